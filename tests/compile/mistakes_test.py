"""Both compilers answer a mistake in a route with its line and what to do, and both at once."""

import concurrent.futures
import os
import pathlib
import subprocess
import tempfile
import unittest

from support.environment import SOURCE

COMPILERS = ("g++", "clang++")
FIRST_LINES = 9  # have the line of the route and the sentence
MOST_LINES = 20  # of one mistake; g++ says some errors twice

HEADERS = """\
#include <c10k/json.hpp>
#include <c10k/server.hpp>
#include <c10k/urls.hpp>
#include <string>
"""
BEGIN = """\
using namespace c10k;
using nlohmann::json;
struct Colour {};
struct Other { Response view(Request& request); Urls urls(); };
"""
APP = """\
namespace app%d {
struct App {
    Other other;
    %s
    Urls urls() {
        return {
            %s,  // the route
        };
    }
};
}
"""

PAGE = "returns Response, such as Response::text(text), or Task<Response> if it uses co_await"
SUBJECT = "first parameter is Request& (a page) or WebSocket&: a reference, not a copy"
SOCKET = "a view of a WebSocket& is a coroutine: it returns Task<>"
BODY = "is a coroutine that takes the BodyReader by reference, second: Task<Response> view(Request& request"
CAPTURE = "by value: an integer, std::string, std::string_view, or a type with a c10k::Converter"
OBJECT = "in front of &App::view stands a pointer to an App"
SIGNATURE = "with one signature: without auto and overloads"
INCLUDE = "are put under a path by include()"
OTHER = "path() takes (pattern, view), (pattern, object, &App::view)"
CONVERTER = "no such converter: int, str, slug, uuid, path"
MISFIT = "<int:id> goes to an integer, the others to std::string or std::string_view"

MEMBER = 'path("", this, &App::view)'
NUMBER = 'path("<int:id>/", this, &App::view, "item")'

# The mistake: (a member of the app, the route, the compiler's message)
MISTAKES = {
    "a request by value": ("Response view(Request request);", MEMBER, SUBJECT),
    "a request by value in a coroutine": ("Task<Response> view(Request request);", MEMBER, SUBJECT),
    "a request by value in a const view": ("Response view(Request request) const;", MEMBER, SUBJECT),
    "a request by value in a static view": ("static Response view(Request request);", 'path("", &App::view)', SUBJECT),
    "a request by value in a lambda": ("", 'path("", [](Request) { return Response::text(""); })', SUBJECT),
    "a pointer to a request": ("Response view(Request* request);", MEMBER, SUBJECT),
    "a socket that is const": ("Task<> view(const WebSocket& socket);", MEMBER, SUBJECT),
    "no request": ("Response view();", MEMBER, SUBJECT),
    "no request but a number": ("Response view(int id);", NUMBER, SUBJECT),
    "the view of a page returns int": ("int view(Request& request);", MEMBER, PAGE),
    "the view of a page returns nothing": ("void view(Request& request);", MEMBER, PAGE),
    "the view of a page returns a text": ("std::string view(Request& request);", MEMBER, PAGE),
    "the view of a page returns JSON": ("json view(const Request& request);", MEMBER, PAGE),
    "the view of a page returns a task of int": ("Task<int> view(Request& request);", MEMBER, PAGE),
    "the view of a page returns an empty task": ("Task<> view(Request& request) noexcept;", MEMBER, PAGE),
    "a lambda returns a text": ("", 'path("", [](Request&) { return "hi"; })', PAGE),
    "the view of a socket returns nothing": ("void view(WebSocket& socket);", MEMBER, SOCKET),
    "the view of a socket returns a response": ("Response view(WebSocket& socket);", MEMBER, SOCKET),
    "the view of a socket returns a task of int": ("Task<int> view(WebSocket& socket);", MEMBER, SOCKET),
    "a body by value": ("Task<Response> view(Request& request, BodyReader body);", MEMBER, BODY),
    "a body that is const": ("Task<Response> view(Request& request, const BodyReader& body);", MEMBER, BODY),
    "a body behind a capture": ("Task<Response> view(Request& request, int id, BodyReader& body);", NUMBER, BODY),
    "a body of a socket": ("Task<> view(WebSocket& socket, BodyReader& body);", MEMBER, BODY),
    "a view that reads a body and is no coroutine": ("Response view(Request& request, BodyReader& body);", MEMBER, BODY),
    "a lambda that reads a body and is no coroutine": (
        "", 'path("", [](Request&, BodyReader&) { return Response::text("hi"); })', BODY),
    "a view that reads a body and returns a text": (
        "std::string view(Request& request, BodyReader& body) const;", MEMBER, BODY),
    "a body of a request by value": ("Task<Response> view(Request request, BodyReader& body);", MEMBER, SUBJECT),
    "a number for a text behind a body": (
        "Task<Response> view(Request& request, BodyReader& body, std::string id);", NUMBER, MISFIT),
    "too few parameters behind a body": ("Task<Response> view(Request& request, BodyReader& body);", NUMBER,
                                         "add a parameter to the view"),
    "a capture by reference": ("Response view(Request& request, const std::string& id);", NUMBER, CAPTURE),
    "a capture of a type without a converter": ("Response view(Request& request, Colour id);", NUMBER, CAPTURE),
    "a capture of a double": ("Response view(Request& request, double id);", NUMBER, CAPTURE),
    "a number for a text": ("Response view(Request& request, std::string id);", NUMBER, MISFIT),
    "a text for a number": ("Response view(Request& request, int id);", 'path("<slug:id>/", this, &App::view)', MISFIT),
    "a misspelt converter": ("Response view(Request& request, int id);", 'path("<itn:id>/", this, &App::view)', CONVERTER),
    "no converter": ("Response view(Request& request, int id);", 'path("<id>/", this, &App::view)', "as in <int:id>"),
    "too few parameters": ("Response view(Request& request);", NUMBER, "add a parameter to the view"),
    "too many parameters": ("Response view(Request& request, int a, int b);", NUMBER, "add <converter:name>"),
    "a slash in front": ("Response view(Request& request);", 'path("/", this, &App::view)', "has no '/' in front"),
    "no object": ("Response view(Request& request);", 'path("", &App::view)', OBJECT),
    "another object": ("Response view(Request& request);", 'path("", this, &Other::view)', OBJECT),
    "an object, not a pointer": ("Response view(Request& request);", 'path("", *this, &App::view)', OBJECT),
    "a view with auto": ("", 'path("", [](auto& request) { return Response::text(request.path); })', SIGNATURE),
    "what is no view": ("", 'path("", 42)', SIGNATURE),
    "no include": ("", 'path("other/", other.urls())', INCLUDE),
    "no view": ("", 'path("")', OTHER),
    "a number for a name": ("Response view(Request& request);", 'path("", this, &App::view, 3)', OTHER),
}


def compiled(compiler, folder, program):
    """The compiler's messages about a program, with the headers read once for all."""
    source = ["-x", "c++", "-"]
    headers = ["-include", folder / "headers.hpp"] if compiler == "g++" else ["-include-pch", folder / "headers.pch"]
    errors = "-fmax-errors=0" if compiler == "g++" else "-ferror-limit=0"
    command = [compiler, "-std=c++20", "-fsyntax-only", errors, "-I", SOURCE / "include", *headers, *source]
    done = subprocess.run(command, input=program, cwd=folder, capture_output=True, text=True, check=False,
                          env={**os.environ, "LC_ALL": "C"})
    return done.returncode, done.stderr.splitlines()


class Mistakes(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        cls.folder = pathlib.Path(folder.name)
        (cls.folder / "headers.hpp").write_text(HEADERS)
        for compiler, name in zip(COMPILERS, ("headers.hpp.gch", "headers.pch")):
            subprocess.run([compiler, "-std=c++20", "-I", SOURCE / "include", "-x", "c++-header", "headers.hpp",
                            "-o", name], cwd=cls.folder, check=True)

    def all_compiled(self, programs):
        """Yields (program's name, compiler, status, lines)."""
        with concurrent.futures.ThreadPoolExecutor(max_workers=os.cpu_count()) as workers:
            jobs = [(name, compiler, workers.submit(compiled, compiler, self.folder, program))
                    for name, program in programs.items() for compiler in COMPILERS]
            for name, compiler, job in jobs:
                yield name, compiler, *job.result()

    def test_each_shows_the_line_of_the_route_and_what_to_do(self):
        """All mistakes of one program, each in an app of its own."""
        program = BEGIN + "".join(APP % (number, member, route)
                                  for number, (member, route, _) in enumerate(MISTAKES.values()))
        routes = [number for number, line in enumerate(program.splitlines(), 1) if line.endswith("// the route")]
        for _, compiler, _, lines in self.all_compiled({"all": program}):
            for (name, (*_, sentence)), route in zip(MISTAKES.items(), routes, strict=True):
                with self.subTest(mistake=name, compiler=compiler):
                    at = [number for number, line in enumerate(lines) if line.startswith(f"<stdin>:{route}:")]
                    self.assertTrue(at, "the compiler does not name the route")
                    said = "\n".join(lines[at[0]:at[0] + FIRST_LINES - 3])
                    self.assertIn(sentence, said)

    def test_alone_is_said_in_the_first_lines_and_in_few(self):
        names = ("a request by value", "a request by value in a lambda", "the view of a page returns a text",
                 "a number for a text")
        programs = {name: BEGIN + APP % (0, *MISTAKES[name][:2]) for name in names}
        for name, compiler, status, lines in self.all_compiled(programs):
            with self.subTest(mistake=name, compiler=compiler):
                first = "\n".join(lines[:FIRST_LINES])
                self.assertNotEqual(status, 0)
                self.assertRegex(first, r"(?m)^<stdin>:11:\d+: ")
                self.assertIn(MISTAKES[name][2], first)
                self.assertLessEqual(len(lines), MOST_LINES, "\n".join(lines))

    def test_of_a_view_that_is_served_alone_are_said_in_the_first_lines(self):
        programs = {view: f"{BEGIN}{view}\nint main() {{\n    return serve(echo, {{.port = 8765}});\n}}\n" for view in (
            "void echo(WebSocket& socket);", "Task<int> echo(WebSocket& socket);", "Task<> echo(Request& request);",
            "auto echo = [](WebSocket socket) -> Task<> { co_return; };", "constexpr int echo = 3;")}
        for name, compiler, status, lines in self.all_compiled(programs):
            with self.subTest(view=name, compiler=compiler):
                first = "\n".join(lines[:FIRST_LINES])
                self.assertNotEqual(status, 0)
                self.assertRegex(first, r"(?m)^<stdin>:[57]:\d+: ")
                if "WebSocket socket" not in name:  # nobody can copy one, and that is what the compiler says
                    self.assertIn("serve() takes a view of WebSockets, Task<> view(WebSocket& socket), or Urls", first)

    def test_none_is_seen_where_none_is(self):
        members = """
            Response page(Request& request); Response still(const Request& request) const; Task<> talk(WebSocket& socket);
            Task<Response> slow(Request& request, int id, std::string name) noexcept; static Response fixed(Request&);
            Task<Response> upload(Request& request, BodyReader& body, int id) const noexcept;"""
        routes = """
            path("", this, &App::page), path("a/", this, &App::still, "a"), path("b/", this, &App::talk, std::string("b")),
            path("c/<int:id>/<slug:name>/", this, &App::slow), path("d/", &App::fixed), path("e/", App::fixed, "e"),
            path("f/", [](WebSocket& socket) -> Task<> { co_await socket.closed(); }),
            path("g/", &other, &Other::view).methods({"POST"}), path("h/", include(other.urls(), "h")),
            path("i/<int:id>/", this, &App::upload, "i"),
            path("j/", [](const Request&, BodyReader& body) -> Task<Response> { co_await body.read(); co_return Response{}; })"""
        for _, compiler, status, lines in self.all_compiled({"none": BEGIN + APP % (0, members, routes)}):
            with self.subTest(compiler=compiler):
                self.assertEqual((status, lines), (0, []), "\n".join(lines))

    def test_none_is_seen_where_names_come_by_their_arguments(self):
        """A header of a site has no `using namespace c10k`."""
        program = 'c10k::Urls urls(const c10k::Urls& blog) { return {path("blog/", include(blog, "blog"))}; }'
        for _, compiler, status, lines in self.all_compiled({"none": program}):
            with self.subTest(compiler=compiler):
                self.assertEqual((status, lines), (0, []), "\n".join(lines))

    def test_of_a_list_of_json_beside_co_await_is_what_the_docs_say(self):
        """When a later g++ compiles it, the docs may say so."""
        program = """\
            Task<> talk(WebSocket& socket) {
                co_await socket.send(json{{"type", "hello"}}.dump());
            }"""
        _, lines = compiled("g++", self.folder, "using namespace c10k; using nlohmann::json;\n" + program)
        for page in ("docs/howto/debugging.md", "docs/howto/responses.md", "docs/tutorial/1-echo.md"):
            self.assertIn("error: array used as initializer", (SOURCE / page).read_text(), page)
        self.assertIn("error: array used as initializer", "\n".join(lines))


if __name__ == "__main__":
    unittest.main(verbosity=2)
