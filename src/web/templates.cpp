#include "base/text.hpp"
#include "c10k/web.hpp"

#include <kainjow/mustache.hpp>

#include <algorithm>
#include <array>
#include <charconv>
#include <fstream>
#include <iterator>
#include <optional>

namespace c10k {
namespace {

namespace fs = std::filesystem;
namespace mustache = kainjow::mustache;

// A file that a template was made of, and how it was then.
struct Source {
    fs::path file;
    fs::file_time_type time;

    [[nodiscard]] bool has_changed() const {
        std::error_code error;
        const auto now = fs::last_write_time(file, error);
        return error || now != time;
    }
};

std::string read_text(const fs::path& file) {
    std::ifstream input{file, std::ios::binary};
    std::string text{std::istreambuf_iterator<char>{input}, {}};
    if (!input) {
        throw TemplateError(file.string() + " cannot be read");
    }
    return text;
}

// Puts a template together out of its file and those that its {{>name}} tags name.
class Assembler {
public:
    explicit Assembler(const std::vector<fs::path>& folders) : folders_(folders) {}

    std::string text_of(const std::string& name) {
        if (std::find(open_.begin(), open_.end(), name) != open_.end()) {
            throw TemplateError("the template " + name + " includes itself");
        }
        open_.push_back(name);
        const fs::path file = find(name);
        sources_.push_back({file, fs::last_write_time(file)});
        const std::string text = read_text(file);
        check(name, text);
        std::string whole = expand(text);
        open_.pop_back();
        return whole;
    }

    [[nodiscard]] std::vector<Source> take_sources() { return std::move(sources_); }

private:
    [[nodiscard]] fs::path find(const std::string& name) const {
        std::string searched;
        for (const fs::path& folder : folders_) {
            fs::path file = folder / name;
            std::error_code error;
            if (fs::is_regular_file(file, error)) {
                return file;
            }
            searched += (searched.empty() ? "" : ", ") + folder.string();
        }
        const std::string includer = open_.size() < 2 ? "" : ", which " + open_[open_.size() - 2] + " includes,";
        throw TemplateError("the template " + name + includer + " is in no template folder" +
                            (searched.empty() ? ": there is none" : ": " + searched));
    }

    // Each file must be right by itself, so that an error names the file it is in.
    static void check(const std::string& name, const std::string& text) {
        const mustache::mustache parsed{text};
        if (!parsed.is_valid()) {
            throw TemplateError("the template " + name + " is wrong: " + parsed.error_message());
        }
    }

    // Requires: check() has found `text` to be right, so that every "{{" has its "}}".
    std::string expand(std::string_view text) {
        constexpr std::string_view kOpen = "{{";
        constexpr std::string_view kClose = "}}";
        std::string whole;
        while (!text.empty()) {
            const std::size_t start = std::min(text.find(kOpen), text.size());
            whole += text.substr(0, start);
            text.remove_prefix(start);
            const std::size_t end = std::min(text.find(kClose), text.size());
            const std::string_view tag = text.substr(0, end + kClose.size());
            text.remove_prefix(tag.size());
            const std::string_view content = trim(text_inside(tag));
            if (content.starts_with('=')) {
                throw TemplateError("the template " + open_.back() + " changes the delimiters, which must stay {{ }}");
            }
            if (content.starts_with('>')) {
                whole += text_of(std::string{trim(content.substr(1))} + ".html");
            } else {
                whole += tag;
            }
        }
        return whole;
    }

    static std::string_view text_inside(std::string_view tag) {
        return tag.size() < 4 ? std::string_view{} : tag.substr(2, tag.size() - 4);
    }

    const std::vector<fs::path>& folders_;
    std::vector<std::string> open_;  // the templates that are being read, outermost first
    std::vector<Source> sources_;
};

mustache::data to_data(const Context& context) {
    mustache::data data{mustache::data::type::object};
    for (const auto& [name, value] : context.fields()) {
        struct Convert {
            mustache::data operator()(const std::string& text) const { return text; }
            mustache::data operator()(bool truth) const { return truth; }
            mustache::data operator()(const Context& nested) const { return to_data(nested); }
            mustache::data operator()(const Context::List& list) const {
                mustache::data items{mustache::data::type::list};
                for (const Context& item : list) {
                    items.push_back(to_data(item));
                }
                return items;
            }
        };
        data.set(name, std::visit(Convert{}, value.get()));
    }
    return data;
}

// Names that a template looks up; unknown ones throw.
class StrictNames final : public mustache::context<std::string> {
public:
    StrictNames(const mustache::data* data, const std::string& template_name)
        : mustache::context<std::string>(data), template_(template_name) {}

    const mustache::data* get(const std::string& name) const override {
        const mustache::data* found = mustache::context<std::string>::get(name);
        if (found == nullptr) {
            throw TemplateError("the template " + template_ + " uses the name '" + name +
                                "', which its context does not have");
        }
        return found;
    }

private:
    const std::string& template_;
};

}  // namespace

// ---- Context

Context::Context() = default;
Context::Context(const Context& other) = default;
Context::Context(Context&& other) noexcept = default;
Context& Context::operator=(const Context& other) = default;
Context& Context::operator=(Context&& other) noexcept = default;
Context::~Context() = default;

Context::Context(std::initializer_list<Field> fields) {
    for (const Field& field : fields) {
        set(field.name, field.value);
    }
}

void Context::set(std::string name, Value value) {
    std::erase_if(fields_, [&name](const Field& field) { return field.name == name; });
    fields_.push_back({std::move(name), std::move(value)});
}

std::string Context::Value::shortest_text(double number) {
    std::array<char, 32> text;
    const auto [end, error] = std::to_chars(text.data(), text.data() + text.size(), number);
    return {text.data(), end};
}

// ---- Templates

class Templates::Compiled {
public:
    Compiled(const std::string& name, Assembler assembler)
        : name_(name), parsed_(assembler.text_of(name)), sources_(assembler.take_sources()) {
        parsed_.set_custom_escape([](const std::string& text) { return html_escape(text); });
    }

    [[nodiscard]] bool has_changed() const {
        return std::any_of(sources_.begin(), sources_.end(), [](const Source& source) { return source.has_changed(); });
    }
    std::string render(const Context& context, Mode mode) {
        const mustache::data data = to_data(context);
        if (mode == Mode::kProduction) {
            return parsed_.render(data);
        }
        StrictNames names{&data, name_};
        return parsed_.render(names);
    }

private:
    std::string name_;
    mustache::mustache parsed_;
    std::vector<Source> sources_;
};

Templates::Templates(Mode mode) : mode_(mode) {}
Templates::~Templates() = default;

void Templates::add_folder(fs::path folder) { folders_.push_back(std::move(folder)); }

Response Templates::render(const Request& request, std::string_view name, Context context, int status) {
    context.set("request", Context{{"method", request.method}, {"path", request.path}});
    return Response::html(find(std::string{name}).render(context, mode_), status);
}

Templates::Compiled& Templates::find(const std::string& name) {
    std::unique_ptr<Compiled>& compiled = compiled_[name];
    if (!compiled || (mode_ == Mode::kDebug && compiled->has_changed())) {
        compiled = std::make_unique<Compiled>(name, Assembler{folders_});
    }
    return *compiled;
}

}  // namespace c10k
