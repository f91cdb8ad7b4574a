// A chat that remembers: SQLite keeps the messages of each room. Its functions block, so they run on other threads.
#include <c10k/blocking.hpp>
#include <c10k/groups.hpp>
#include <c10k/manage.hpp>
#include <c10k/server.hpp>
#include <c10k/urls.hpp>
#include <c10k/web.hpp>
#include <c10k/websocket.hpp>

#include <cstdlib>
#include <memory>
#include <mutex>
#include <sqlite3.h>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

using namespace c10k;

// A connection to SQLite. Thread: any; one at a time uses it, and the others wait.
class Database {
public:
    explicit Database(const char* file) {
        sqlite3* opened = nullptr;
        const int status = sqlite3_open(file, &opened);
        connection_.reset(opened);
        check(status);
        check(sqlite3_busy_timeout(opened, 60'000));  // ms for which another program may lock the file
        check(sqlite3_exec(opened, "create table if not exists messages (id integer primary key, room, text)", nullptr,
                           nullptr, nullptr));
    }

    void add(const std::string& room, const std::string& text) {
        const std::lock_guard lock{mutex_};
        const Statement insert = prepare("insert into messages (room, text) values (?, ?)", {room, text});
        check(sqlite3_step(insert.get()));
    }

    std::vector<std::string> latest(const std::string& room) {
        const std::lock_guard lock{mutex_};
        const Statement select = prepare(
            "select text from (select * from messages where room = ? order by id desc "
            "limit 20) order by id",
            {room});
        std::vector<std::string> texts;
        while (check(sqlite3_step(select.get())) == SQLITE_ROW) {
            const void* const text = sqlite3_column_text(select.get(), 0);
            texts.emplace_back(static_cast<const char*>(text), sqlite3_column_bytes(select.get(), 0));
        }
        return texts;
    }

private:
    struct Close {
        void operator()(sqlite3* connection) const noexcept { sqlite3_close(connection); }
        void operator()(sqlite3_stmt* statement) const noexcept { sqlite3_finalize(statement); }
    };
    using Statement = std::unique_ptr<sqlite3_stmt, Close>;

    Statement prepare(const char* sql, const std::vector<std::string>& values) {
        sqlite3_stmt* prepared = nullptr;
        check(sqlite3_prepare_v2(connection_.get(), sql, -1, &prepared, nullptr));
        Statement statement{prepared};
        for (std::size_t i = 0; i < values.size(); ++i) {
            check(sqlite3_bind_text(prepared, static_cast<int>(i) + 1, values[i].data(),
                                    static_cast<int>(values[i].size()), SQLITE_TRANSIENT));
        }
        return statement;
    }

    int check(int status) const {
        if (status != SQLITE_OK && status != SQLITE_ROW && status != SQLITE_DONE) {
            throw std::runtime_error(sqlite3_errmsg(connection_.get()));
        }
        return status;
    }

    std::mutex mutex_;
    std::unique_ptr<sqlite3, Close> connection_;
};

class Chat {
public:
    explicit Chat(Services& services) : groups_(services.groups), metrics_(services.metrics) {}

    Urls urls() {
        return {
            path("", this, &Chat::index),
            path("metrics", &metrics_, &Metrics::serve),
            path("<slug:room>/", this, &Chat::room),
            path("<slug:room>/latest/", this, &Chat::latest),
        };
    }

private:
    static const char* file() {
        const char* const named = std::getenv("CHAT_DATABASE");
        return named != nullptr ? named : "chat.sqlite";
    }

    Response index(Request& /*request*/) { return Response::html("<h1>Rooms</h1>\n"); }

    // [views]
    Task<> room(WebSocket& socket, std::string_view name) {
        const std::string room_name(name);
        Group room = groups_.named("chat", name);
        const Membership here = co_await room.join(socket);
        for (const std::string& text : co_await run_blocking(&Database::latest, database_, room_name)) {
            co_await socket.send(text);
        }
        while (const auto message = co_await socket.recv()) {
            co_await run_blocking(&Database::add, database_, room_name, std::string(message->view()));
            room.send(*message);
        }
    }

    Task<Response> latest(Request& /*request*/, std::string room_name) {
        std::string page;
        for (const std::string& text : co_await run_blocking(&Database::latest, database_, room_name)) {
            page += text + '\n';
        }
        co_return Response::text(page);
    }
    // [/views]

    Groups& groups_;
    const Metrics& metrics_;
    // Shared with the functions: one may still run when its view has been stopped.
    std::shared_ptr<Database> database_ = std::make_shared<Database>(file());
};

int main(int argc, char** argv) { return manage<Chat>(argc, argv); }
