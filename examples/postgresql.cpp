// A chat over many programs: PostgreSQL keeps the messages of each room, and carries them to every program that
// listens. Its client library waits for nothing itself: the loop waits for its socket.
//
//     create table messages (id bigserial primary key, room text not null, text text not null);
#include <c10k/descriptor.hpp>
#include <c10k/groups.hpp>
#include <c10k/manage.hpp>
#include <c10k/semaphore.hpp>
#include <c10k/server.hpp>
#include <c10k/task.hpp>
#include <c10k/urls.hpp>
#include <c10k/websocket.hpp>

#include <chrono>
#include <cstdlib>
#include <libpq-fe.h>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

using namespace c10k;

using Rows = std::vector<std::string>;       // of one column
using SqlValues = std::vector<std::string>;  // $1, $2 and so on

// A connection to PostgreSQL, for one task at a time. If a task is stopped or fails while it uses it, an answer may
// still be on its way: such a connection has to be closed.
class Connection {
public:
    // To where the environment says: PGHOST, PGDATABASE and so on.
    Task<> open() {
        connection_.reset(PQconnectStart(""));
        PostgresPollingStatusType next =
            PQstatus(get()) == CONNECTION_BAD ? PGRES_POLLING_FAILED : PGRES_POLLING_WRITING;
        while (next != PGRES_POLLING_OK) {
            check(next != PGRES_POLLING_FAILED);
            if (next == PGRES_POLLING_READING) {
                co_await readable(PQsocket(get()));
            } else {
                co_await writable(PQsocket(get()));
            }
            next = PQconnectPoll(get());
        }
        check(PQsetnonblocking(get(), 1) == 0);
    }

    // [query]
    // The first column of the result.
    Task<Rows> query(std::string sql, SqlValues parameters) {
        std::vector<const char*> pointers;
        for (const std::string& value : parameters) {
            pointers.push_back(value.c_str());
        }
        check(PQsendQueryParams(get(), sql.c_str(), static_cast<int>(parameters.size()), nullptr, pointers.data(),
                                nullptr, nullptr, 0) == 1);
        while (const int is_unsent = PQflush(get())) {
            check(is_unsent == 1);
            co_await writable(PQsocket(get()));
        }
        Rows rows;
        std::string failure;
        while (const Result result = co_await next_result()) {
            const ExecStatusType status = PQresultStatus(result.get());
            if (status != PGRES_TUPLES_OK && status != PGRES_COMMAND_OK) {
                failure = PQresultErrorMessage(result.get());
            }
            for (int i = 0; i < PQntuples(result.get()); ++i) {
                rows.emplace_back(PQgetvalue(result.get(), i, 0));
            }
        }
        if (!failure.empty()) {
            throw std::runtime_error(failure);
        }
        co_return rows;
    }
    // [/query]

    // The payload of the next NOTIFY on a channel that this connection listens to.
    Task<std::string> notification() {
        while (true) {
            const std::unique_ptr<PGnotify, Free> notify{PQnotifies(get())};
            if (notify) {
                co_return notify->extra;
            }
            co_await receive();
        }
    }

    // Also sees that the server has closed it meanwhile.
    [[nodiscard]] bool is_open() const noexcept { return connection_ && PQconsumeInput(get()) == 1; }

private:
    struct Free {
        void operator()(PGconn* connection) const noexcept { PQfinish(connection); }
        void operator()(PGresult* result) const noexcept { PQclear(result); }
        void operator()(PGnotify* notify) const noexcept { PQfreemem(notify); }
    };
    using Result = std::unique_ptr<PGresult, Free>;

    [[nodiscard]] PGconn* get() const noexcept { return connection_.get(); }

    void check(bool is_well) const {
        if (!is_well) {
            throw std::runtime_error(PQerrorMessage(get()));
        }
    }

    // [receive]
    Task<> receive() {
        co_await readable(PQsocket(get()));
        check(PQconsumeInput(get()) == 1);
    }

    // Null behind the last one.
    Task<Result> next_result() {
        while (PQisBusy(get()) != 0) {
            co_await receive();
        }
        co_return Result{PQgetResult(get())};
    }
    // [/receive]

    std::unique_ptr<PGconn, Free> connection_;
};

// The connections of one loop. A query waits for a free one.
class Database {
public:
    Task<Rows> query(std::string sql, SqlValues parameters) {
        const Semaphore::Permit permit = co_await free_.acquire();
        Connection connection;
        if (!idle_.empty()) {
            connection = std::move(idle_.back());
            idle_.pop_back();
        }
        if (!connection.is_open()) {
            co_await connection.open();
        }
        Rows rows = co_await connection.query(std::move(sql), std::move(parameters));
        idle_.push_back(std::move(connection));  // after an exception it is closed instead
        co_return rows;
    }

private:
    Semaphore free_{8};
    std::vector<Connection> idle_;
};

class Chat {
public:
    explicit Chat(Services& services) : groups_(services.groups) { services.background.spawn(carry()); }

    Urls urls() { return {path("<slug:room>/", this, &Chat::room)}; }

private:
    // What a NOTIFY carries is limited to 8000 bytes, and a text has no zero in it.
    static bool fits(const Message& message) {
        return message.is_text() && message.size() < 4000 && message.view().find('\0') == std::string_view::npos;
    }

    // [views]
    Task<> room(WebSocket& socket, std::string_view name) {
        const std::string room_name(name);
        Group room = groups_.named("chat", name);
        const Membership here = co_await room.join(socket);
        const SqlValues of_room{room_name};
        for (const std::string& text : co_await database_.query(kLatest, of_room)) {
            co_await socket.send(text);
        }
        while (const auto message = co_await socket.recv()) {
            if (!fits(*message)) {
                socket.close(CloseCode::kPolicyViolation, "a message is a text of less than 4000 bytes");
                co_return;
            }
            const SqlValues parameters{room_name, std::string(message->view())};
            co_await database_.query(kAdd, parameters);  // carry() brings it back, here and elsewhere
        }
    }

    // [/views]

    // Sends the room what any program has added. It goes on after the database was away.
    Task<> carry() {
        while (true) {
            try {
                co_await listen();
            } catch (const std::exception&) {
                log_failure(std::current_exception());
            }
            co_await sleep_for(std::chrono::seconds{1});
        }
    }

    Task<> listen() {
        Connection connection;
        co_await connection.open();
        const SqlValues none;
        co_await connection.query("listen chat", none);
        while (true) {
            const std::string said = co_await connection.notification();
            const std::size_t space = said.find(' ');
            groups_.named("chat", said.substr(0, space)).send(said.substr(space + 1));
        }
    }

    static constexpr const char* kLatest =
        "select text from (select * from messages where room = $1 order by id desc limit 20) latest order by id";
    static constexpr const char* kAdd =
        "with added as (insert into messages (room, text) values ($1, $2)) "
        "select pg_notify('chat', $1 || ' ' || $2)";

    Groups& groups_;
    Database database_;
};

int main(int argc, char** argv) { return manage<Chat>(argc, argv); }
