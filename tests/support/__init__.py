"""What the tests in Python share.

    environment   where the programs are, and which row of the test matrix this run is
    waiting       how long a test waits: PATIENCE, and as long as a build goes on
    process       our programs as processes, and what they use
    tcp           a client and a server on raw sockets, which say exactly what they are told
    frames        WebSocket frames (RFC 6455, 5): the only encoder and the only decoder
    http2         an HTTP/2 client on a raw socket, which sends any bytes
    http2_client  one of another library, python3-h2
    http2_server  an HTTP/2 server of that library, whose WebSockets return each message
    handshake     the opening handshake (RFC 6455, 4): what either side sends
    tls           certificates
    foreign       a client and a server of another library, python3-websockets
    life          both sides of the Game of Life's contract
    browser       Chromium
    viewer_double a server of the Life page that does what a test says
    viewer_player somebody who plays on that page
    watched       a project that is built and changed, and its runserver, which follows
    cases         base classes of tests, and main()

Importing any of them starts nothing and skips nothing: main() does. Each folder of scripts has a link to this package,
so that a script finds it beside itself, however it is started.
"""
