//! The bounds of the server, each with the attack that it stops.
//!
//! Layer: server. uvicorn calls some of these bounds `--limit-concurrency` and
//! `--timeout-keep-alive`, and has no counterpart of most of the others.

use std::time::Duration;

/// Header fields of a request: a browser sends about fifteen. More: 431. This bound is not a field
/// of [`Limits`], because nobody needs another one.
pub(super) const MAX_HEADERS: usize = 100;

/// How much of everything one client may use. Sizes are in bytes unless a field says otherwise.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Empty lines that are skipped before a request line (RFC 9112 §2.2). Some old clients send one
    /// after a form; a client that sends nothing else would hold a thread for no request.
    pub empty_lines: usize,
    /// A request line, without its line feed. RFC 9112 §3 recommends at least 8,000 bytes.
    /// Longer: 414.
    pub request_line: usize,
    /// A whole head. Each read parses the head again from its start, so this also bounds what a client
    /// costs that sends single bytes: 16 KiB cost a tenth of a second. Longer: 431.
    pub head: usize,
    /// A body, after its chunks are put together. A login form has a hundred bytes, and memory is
    /// never allocated because a client *says* that it will send something. Longer: 413.
    pub body: usize,
    /// All chunk-size lines of one body together: extensions are read, cost time and mean nothing.
    /// Longer: 400.
    pub chunk_overhead: usize,
    /// The trailer section after a chunked body, which is read and thrown away. Longer: 431.
    pub trailers: usize,
    /// Responses that wait to be written together. Without this bound a client that sends many
    /// requests and reads nothing could fill the memory with responses.
    pub write_buffer: usize,
    /// How long a connection may be silent between two requests. Browsers open spare connections
    /// and send nothing on them; each one holds a thread.
    pub idle_timeout: Duration,
    /// From the first byte of a head to its last. One deadline for the whole head, not one for
    /// each read, or one byte every few seconds would hold a thread for hours ("slowloris").
    pub head_timeout: Duration,
    /// From the end of the head to the end of the body: the same attack, one step later.
    pub body_timeout: Duration,
    /// For one write of responses, against a client that does not read.
    pub write_timeout: Duration,
    /// After a response that ends the connection: how long the client may be silent while the rest
    /// of its bytes is read and dropped. Closing a socket with unread bytes resets the connection,
    /// and the reset can destroy the response before the client has read it (RFC 9112 §9.6).
    pub linger_timeout: Duration,
    /// The same in all. nginx calls the two `lingering_timeout` and `lingering_time`.
    pub linger_time: Duration,
    /// How old a connection may become before a response ends it with `connection: close`. Without
    /// this bound, clients that send a small request before each timeout could hold all threads for
    /// ever. With it they must connect again, and compete with everybody else for the place.
    pub connection_lifetime: Duration,
    /// Connections at a time; a client beyond them gets 503. A thread takes four memory mappings, and
    /// Linux grants 65,530 of them to a process (`vm.max_map_count`): room for some 16,000 threads.
    pub max_connections: usize,
    /// Threads that stay in the accept loop when their connection has ended. More of them end.
    pub spare_threads: usize,
    /// The stack of a thread: address space, and no memory until it is used. The buffers are on the
    /// heap.
    pub thread_stack: usize,
}

impl Limits {
    /// What `cargo run` serves with.
    pub const DEFAULT: Self = Self {
        empty_lines: 4,
        request_line: 8 * 1024,
        head: 16 * 1024,
        body: 64 * 1024,
        chunk_overhead: 16 * 1024,
        trailers: 8 * 1024,
        write_buffer: 16 * 1024,
        idle_timeout: Duration::from_secs(15),
        head_timeout: Duration::from_secs(10),
        body_timeout: Duration::from_secs(20),
        write_timeout: Duration::from_secs(10),
        linger_timeout: Duration::from_secs(2),
        linger_time: Duration::from_secs(30),
        connection_lifetime: Duration::from_secs(60),
        max_connections: 12_000,
        spare_threads: 64,
        thread_stack: 256 * 1024,
    };
}
