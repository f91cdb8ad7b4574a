// Large uploads: each goes to a file while it arrives, so that the server holds only a piece of it.
//
//     upload runserver
//     curl -T video.mp4 http://127.0.0.1:8000/files/video
#include <c10k/body_reader.hpp>
#include <c10k/manage.hpp>
#include <c10k/server.hpp>

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <ios>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

using namespace c10k;

// [file]
// A file that is there under its name once it is whole, and not before.
class NewFile {
public:
    NewFile(const std::filesystem::path& folder, std::string_view name)
        : path_(folder / name), part_(folder / (std::string{name} + "." + std::to_string(++count_) + ".part")) {
        out_.exceptions(std::ios::badbit | std::ios::failbit);
        out_.open(part_, std::ios::binary);
    }
    NewFile(const NewFile&) = delete;
    NewFile& operator=(const NewFile&) = delete;
    ~NewFile() {
        std::error_code is_kept;
        std::filesystem::remove(part_, is_kept);
    }

    void write(std::string_view piece) { out_.write(piece.data(), static_cast<std::streamsize>(piece.size())); }
    void keep() {
        out_.close();
        std::filesystem::rename(part_, path_);
    }

private:
    static inline std::atomic<std::uint64_t> count_ = 0;

    std::filesystem::path path_;
    std::filesystem::path part_;
    std::ofstream out_;
};
// [/file]

class Site {
public:
    explicit Site(Services& /*services*/) { std::filesystem::create_directory(kFolder); }

    Urls urls() {
        return {
            path("files/<slug:name>", this, &Site::upload).methods({"PUT"}),
        };
    }

private:
    static constexpr const char* kFolder = "uploads";
    static constexpr std::uint64_t kMaxBytes = 100'000'000;

    // [upload]
    Task<Response> upload(Request& /*request*/, BodyReader& body, std::string_view name) {
        body.limit(kMaxBytes);
        NewFile file{kFolder, name};
        for (std::string piece = co_await body.read(); !piece.empty(); piece = co_await body.read()) {
            file.write(piece);
        }
        file.keep();
        co_return Response::text("stored\n", 201);
    }
    // [/upload]
};

int main(int argc, char** argv) { return manage<Site>(argc, argv); }
