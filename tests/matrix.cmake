# The test matrix: which test in Python runs on what, and when. tests/CMakeLists.txt reads it.
#
#   often    with each ./test                  - no such test
#   full     with ./test --full (C10K_FULL=1); skipped otherwise
#
# A column is a backend and a number of loops: epoll_4 is epoll with four. A test's name has its column, as in
# e2e.game.epoll_4; `auto` takes the best that the kernel has, one loop, and no column in the name.

# ---- tests/e2e: the programs from outside, with real sockets, other people's clients, a real browser.
#
# seconds: until ctest ends it. alone: nothing else runs meanwhile; beside: on `auto` others do, for it can wait for them.
# builds: any; plain, without sanitizers: the library as others have it, or compilers at work; build/, that folder only.
#
#   script           seconds  machine  builds   auto    epoll_1  epoll_4  io_uring_4
e2e(bare_debian         7200  alone    plain    full    -        -        -)
e2e(browser              300  alone    any      often   -        -        -)
e2e(check                300  alone    any      often   -        -        -)
e2e(client               300  alone    any      often   full     full     full)
e2e(commands             300  alone    any      often   -        -        -)
e2e(completion           300  alone    any      often   -        -        -)
e2e(compression          300  alone    any      often   -        -        -)
e2e(demo_script          300  alone    build/   often   -        -        -)
e2e(django_browser       300  alone    plain    often   -        -        -)
e2e(docs                 300  beside   plain    often   -        -        -)
e2e(embed                300  beside   any      often   -        -        -)
e2e(game                 300  alone    any      often   full     often    full)
e2e(haproxy              300  beside   any      often   -        -        -)
e2e(http                 300  alone    any      often   -        -        -)
e2e(life                 300  alone    any      often   full     full     full)
e2e(life_control         300  alone    any      often   full     full     full)
e2e(live                 300  beside   any      often   -        full     full)
e2e(live_browser         300  beside   any      often   -        -        -)
e2e(http2                300  beside   any      often   full     often    -)
e2e(http2_client         300  beside   any      often   often    -        -)
e2e(http2_peers          300  beside   any      often   -        -        -)
e2e(listening            300  alone    any      often   -        -        -)
e2e(load                 300  beside   any      often   full     full     full)
e2e(look                 300  alone    any      often   -        -        -)
e2e(nginx                300  beside   any      often   -        -        -)
e2e(overlay              300  alone    any      often   -        -        -)
e2e(pages                300  alone    any      often   -        -        -)
e2e(postgresql           300  beside   any      often   -        -        full)
e2e(project             3600  beside   plain    often   -        -        -)
e2e(readme               300  alone    build/   often   -        -        -)
e2e(record               300  alone    any      often   full     full     full)
e2e(recovery             300  alone    any      often   full     full     full)
e2e(reload              1800  beside   any      often   -        -        -)
e2e(reload_browser      1800  beside   any      full    -        -        -)
e2e(restart              300  beside   any      often   full     full     full)
e2e(runserver            300  alone    any      often   -        -        -)
e2e(saves               1800  beside   plain    often   -        -        -)
e2e(support              300  beside   plain    often   -        -        -)
e2e(sqlite               300  beside   any      often   full     full     full)
e2e(tls                  300  alone    any      often   -        -        -)
e2e(tutorial            3600  beside   plain    often   -        -        -)
e2e(upload               300  alone    any      often   -        -        -)
e2e(viewer               300  beside   any      often   full     often    full)
e2e(viewer_controls      300  beside   plain    often   -        -        -)
e2e(viewer_new_game      300  beside   plain    often   -        -        -)
e2e(viewer_page          300  beside   plain    often   -        -        -)
e2e(viewer_look          300  beside   plain    often   -        -        -)
e2e(viewer_states        300  beside   plain    often   -        -        -)
e2e(viewer_play          300  beside   plain    often   -        -        -)
e2e(websocket            300  alone    any      often   full     often    full)

# ---- tests/hostile: bad input and faults (the rows of docs/reference/hostile-input.md). tls: all speak TLS, on auto with one loop.
#
#       script           epoll_1  epoll_4  io_uring_1  io_uring_4   tls
hostile(bodies           full     often    often       full         often)
hostile(churn            full     often    often       full         -)
hostile(client           full     often    often       full         -)
hostile(crowd            full     often    often       full         -)
hostile(deflate          full     often    often       full         -)
hostile(descriptors      full     often    often       full         -)
hostile(endings          full     often    often       full         -)
hostile(flags            full     often    often       full         -)
hostile(floods           full     often    often       full         -)
hostile(frames           full     often    often       full         often)
hostile(handshake        full     often    often       full         often)
hostile(http_head        full     often    often       full         -)
hostile(http2            full     often    often       full         -)
hostile(leaving          full     often    often       full         -)
hostile(limits           full     often    often       full         -)
hostile(local_processes  full     often    often       full         -)
hostile(newcomers        full     often    often       full         -)
hostile(pauses           full     often    often       full         -)
hostile(slow_peers       full     often    often       full         -)
hostile(structure        full     often    often       full         -)
hostile(terminal         full     often    often       full         -)
hostile(tls              full     often    often       full         -)

# ---- tests/conformance: the cases of docs/reference/conformance.md, plain, over TLS and on streams of HTTP/2. quick: a short
# form of plain and of HTTP/2, on epoll.
#
#           role    quick   epoll_plain  epoll_tls  epoll_http2  io_uring_plain  io_uring_tls  io_uring_http2
conformance(server  often   full         full       full         full            full          full)
conformance(client  often   full         full       full         full            full          full)
