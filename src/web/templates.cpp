#include "base/file_state.hpp"
#include "base/read_file.hpp"
#include "base/text.hpp"
#include "c10k/urls.hpp"
#include "c10k/web.hpp"
#include "web/plain_path.hpp"
#include "web/template_tags.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <fstream>
#include <iterator>
#include <kainjow/mustache.hpp>
#include <optional>
#include <span>
#include <stdexcept>
#include <utility>

namespace c10k {
namespace {

namespace fs = std::filesystem;
namespace mustache = kainjow::mustache;

// One file can have many names, through symbolic links; beyond these they are all read again.
constexpr std::size_t kMaxCompiled = 1000;
// The limit on nested sections and includes: kainjow's walk over them recurses.
constexpr std::size_t kMaxLevels = 128;

// A file that a template was made of, or that would go before one if it were there, and how it was then.
struct Source {
    explicit Source(fs::path path)
        : file(std::move(path)), state(FileState::of(file)), is_settled(!state || state->is_settled()) {}

    [[nodiscard]] bool has_changed() const { return !is_settled || FileState::of(file) != state; }

    fs::path file;
    std::optional<FileState> state;
    bool is_settled;  // otherwise one more write may not show in the state
};

TemplateError::Place place_in(const fs::path& file, std::string_view text, std::size_t begin, std::size_t end) {
    const LineStart line = line_of(text, begin);
    return {file, line.number, begin - line.begin, end - line.begin};
}

// Assembles a template from its file and the files that its {{>name}} tags name.
class Assembler {
public:
    explicit Assembler(const std::vector<fs::path>& folders) : folders_(folders) {}

    std::string text_of(const std::string& name) {
        if (std::find(open_.begin(), open_.end(), name) != open_.end()) {
            throw TemplateError("the template " + name + " includes itself");
        }
        open_.push_back(name);
        check_levels(open_.size());
        const fs::path file = find(name);
        const std::optional<std::string> text = read_file(file);
        if (!text) {
            throw TemplateError(file.string() + " cannot be read");
        }
        check(name, file, *text);
        std::string whole = expand(*text);
        check_levels(most_sections(whole));
        open_.pop_back();
        return whole;
    }

    [[nodiscard]] std::vector<Source> take_sources() { return std::move(sources_); }

private:
    fs::path find(const std::string& name) {
        if (!is_plain_path(name)) {
            throw TemplateError("the template " + name +
                                " is not inside of a template folder: the parts of its name may not be empty, begin "
                                "with a dot or have a backslash");
        }
        std::string searched;
        for (const fs::path& folder : folders_) {
            fs::path file = folder / name;
            std::error_code error;
            sources_.emplace_back(file);
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
    void check(const std::string& name, const fs::path& file, const std::string& text) const {
        check_levels(most_sections(text));
        const std::string start = "the template " + name + " is wrong: ";
        if (const auto mistake = find_mistake(text)) {
            throw TemplateError(start + mistake->text, place_in(file, text, mistake->begin, mistake->end));
        }
        const mustache::mustache parsed{text};
        if (!parsed.is_valid()) {
            throw TemplateError(start + parsed.error_message());
        }
    }

    void check_levels(std::size_t levels) const {
        if (levels > kMaxLevels) {
            throw TemplateError("the template " + open_.back() + " has more than " + std::to_string(kMaxLevels) +
                                " nested sections or includes");
        }
    }

    // How many sections are open at once in `text`, at most.
    static std::size_t most_sections(std::string_view text) {
        std::size_t open = 0;
        std::size_t most = 0;
        for (std::size_t tag = text.find("{{"); tag != std::string_view::npos; tag = text.find("{{", tag + 2)) {
            const std::size_t sign = text.find_first_not_of(" \t\r\n", tag + 2);
            if (sign == std::string_view::npos) {
                break;
            }
            if (text[sign] == '#' || text[sign] == '^') {
                most = std::max(most, ++open);
            } else if (text[sign] == '/' && open > 0) {
                --open;
            }
        }
        return most;
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

// ---- {{#url}}

// Turns {{name}} into {{&name}}, which is not escaped: a value in a path is percent-encoded instead.
std::string unescaped(std::string_view tag) {
    constexpr std::string_view kOtherTags = "{&#^/!";
    const std::string_view content = trim(tag.substr(2));
    const bool is_name = kOtherTags.find(content.front()) == std::string_view::npos;
    return is_name ? "{{&" + std::string{content} : std::string{tag};
}

// The words of a section: a route's name and its arguments. A space inside of a tag parts nothing.
// Requires: every "{{" has its "}}".
std::vector<std::string> split_words(std::string_view section) {
    constexpr std::string_view kSpaces = " \t\r\n";
    std::vector<std::string> words;
    bool in_word = false;
    while (!section.empty()) {
        const bool is_tag = section.starts_with("{{");
        const std::string_view piece = section.substr(0, is_tag ? section.find("}}") + 2 : 1);
        section.remove_prefix(piece.size());
        if (kSpaces.find(piece.front()) != std::string_view::npos) {
            in_word = false;
            continue;
        }
        if (!std::exchange(in_word, true)) {
            words.emplace_back();
        }
        words.back() += is_tag ? unescaped(piece) : std::string{piece};
    }
    return words;
}

// The path that a {{#url}} section means. Throws std::logic_error if there is none.
std::string url_of(const std::string& section, const mustache::renderer& render, const Urls& urls) {
    std::vector<std::string> words = split_words(section);
    for (std::string& word : words) {
        word = render(word);
    }
    if (words.empty()) {
        throw std::logic_error("a url section is empty");
    }
    return urls.reverse_texts(words.front(), std::span{words}.subspan(1));
}

// ---- Names

// Names that a template looks up; unknown ones throw.
class StrictNames final : public mustache::context<std::string> {
public:
    StrictNames(const mustache::data* data, const std::string& template_name, const std::vector<Source>& sources)
        : mustache::context<std::string>(data), template_(template_name), sources_(sources) {}

    const mustache::data* get(const std::string& name) const override {
        const mustache::data* found = mustache::context<std::string>::get(name);
        if (found == nullptr) {
            throw TemplateError(
                "the template " + template_ + " uses the name '" + name + "', which its context does not have",
                place_of(name));
        }
        return found;
    }

private:
    // Where the name is used first, in one of the files of the template.
    [[nodiscard]] TemplateError::Place place_of(const std::string& name) const {
        for (const Source& source : sources_) {
            const std::optional<std::string> text = source.state ? read_file(source.file) : std::nullopt;
            if (const auto tag = text ? find_tag(*text, name) : std::nullopt) {
                return place_in(source.file, *text, tag->begin, tag->end);
            }
        }
        return {};
    }

    const std::string& template_;
    const std::vector<Source>& sources_;
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

std::size_t Context::levels_of(const Value& value) {
    struct Count {
        std::size_t operator()(const std::string& /*text*/) const noexcept { return 0; }
        std::size_t operator()(bool /*truth*/) const noexcept { return 0; }
        std::size_t operator()(const Context& nested) const noexcept { return nested.levels_; }
        std::size_t operator()(const List& list) const noexcept {
            std::size_t levels = 0;
            for (const Context& item : list) {
                levels = std::max(levels, item.levels_);
            }
            return levels;
        }
    };
    return std::visit(Count{}, value.get());
}

void Context::set(std::string name, Value value) {
    const std::size_t levels = std::max(levels_, 1 + levels_of(value));
    if (levels > kMaxLevels) {
        throw std::length_error("more than " + std::to_string(kMaxLevels) + " nested contexts");
    }
    std::erase_if(fields_, [&name](const Field& field) { return field.name == name; });
    fields_.push_back({std::move(name), std::move(value)});
    levels_ = levels;
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
    std::string render(const Context& context, Mode mode, const Urls& urls) {
        mustache::data data = to_data(context);
        data.set("url", mustache::lambda2{[&](const std::string& section, const mustache::renderer& render) {
                     return url(section, render, mode, urls);
                 }});
        if (mode == Mode::kProduction) {
            return parsed_.render(data);
        }
        StrictNames names{&data, name_, sources_};
        return parsed_.render(names);
    }

private:
    std::string url(const std::string& section, const mustache::renderer& render, Mode mode, const Urls& urls) const {
        try {
            return html_escape(url_of(section, render, urls));
        } catch (const std::logic_error& error) {
            if (mode == Mode::kProduction) {
                return {};
            }
            throw TemplateError("the template " + name_ + ": " + error.what());
        }
    }

    std::string name_;
    mustache::mustache parsed_;
    std::vector<Source> sources_;
};

Templates::Templates(Mode mode) : mode_(mode) {}
Templates::Templates(Mode mode, const Urls& urls) : mode_(mode), urls_(&urls) {}
Templates::~Templates() = default;

void Templates::add_folder(fs::path folder) { folders_.push_back(std::move(folder)); }

Response Templates::render(const Request& request, std::string_view name, Context context, int status) {
    context.set("request", Context{{"method", request.method}, {"path", request.path}});
    static const Urls kNoRoutes;
    const Urls& urls = urls_ != nullptr ? *urls_ : kNoRoutes;
    return Response::html(find(std::string{name}).render(context, mode_, urls), status);
}

Templates::Compiled& Templates::find(const std::string& name) {
    const auto known = compiled_.find(name);
    if (known != compiled_.end() && (mode_ == Mode::kProduction || !known->second->has_changed())) {
        return *known->second;
    }
    auto compiled = std::make_unique<Compiled>(name, Assembler{folders_});
    if (known == compiled_.end() && compiled_.size() >= kMaxCompiled) {
        compiled_.clear();
    }
    return *(compiled_[name] = std::move(compiled));
}

}  // namespace c10k
