//! Every bound of the server, each with the attack that it stops.
//!
//! Layer: uvicorn, where the same bounds are called `--limit-concurrency`,
//! `--timeout-keep-alive` and the like, or are missing.

use std::time::Duration;

/// Header lines of a request: a browser sends fifteen. More: 431. This bound alone is fixed, because
/// the slots for the lines are an array on the stack.
pub(super) const HEADERS: usize = 100;

/// How much of everything one client may use. Sizes are in bytes unless a field says otherwise.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Empty lines skipped before a request line (RFC 9112 §2.2). Some old clients send one after
    /// a form; a client that sends nothing else would hold a thread with bytes that mean nothing.
    pub empty_lines: usize,
    /// A request line, without its line feed. RFC 9112 §3 recommends to take 8,000 bytes; longer: 414.
    pub request_line: usize,
    /// A whole head. Each read parses it again from its start, so this also bounds what a client
    /// costs that sends single bytes: 16 KiB cost a tenth of a second. Longer: 431.
    pub head: usize,
    /// A body, after chunks are put together. A login form has a hundred bytes, and a body is
    /// never allocated by what its client *says* it will send. Longer: 413.
    pub body: usize,
    /// All chunk-size lines of one body: extensions are read, cost time and are thrown away.
    pub chunk_overhead: usize,
    /// The trailer section behind a chunked body, which is read and thrown away.
    pub trailers: usize,
    /// Answers gathered before they are written: a client that pipelines requests and never reads
    /// could otherwise fill the memory with answers.
    pub output: usize,
    /// How long a connection may be silent between two requests. Browsers open spare connections
    /// and say nothing on them; each holds a thread.
    pub idle: Duration,
    /// From the first byte of a head to its last. One deadline for the whole, not for each read,
    /// or one byte every few seconds would keep a thread for hours ("slowloris").
    pub head_time: Duration,
    /// From the end of the head to the end of the body: the same attack, one step later.
    pub body_time: Duration,
    /// For writing what has been gathered, against a client that never reads.
    pub write_time: Duration,
    /// After a refusal: how long what still comes is read and dropped. Closing a socket with
    /// unread bytes resets it, and the reset can destroy the answer before the client sees it.
    pub linger_time: Duration,
    /// How many bytes are dropped in that time at the most.
    pub linger_bytes: usize,
    /// Connections at a time; the next one is answered 503. A thread takes four memory mappings of
    /// the 65,530 that Linux grants a process, so 16,000 threads are the end of the road anyhow.
    pub connections: usize,
    /// Threads that stay at the door when their connection has ended; more of them go home.
    pub spare_threads: usize,
    /// Stack of a thread: address space, not memory, until it is touched. The buffers are on the heap.
    pub thread_stack: usize,
}

impl Limits {
    /// What `cargo run` serves with. One request may take 45 seconds (15 silent, 10 for its head, 20
    /// for its body), and each writing of answers 10 more; only a client that goes on asking and
    /// reading stays longer.
    pub const DEFAULT: Self = Self {
        empty_lines: 4,
        request_line: 8 * 1024,
        head: 16 * 1024,
        body: 64 * 1024,
        chunk_overhead: 16 * 1024,
        trailers: 8 * 1024,
        output: 64 * 1024,
        idle: Duration::from_secs(15),
        head_time: Duration::from_secs(10),
        body_time: Duration::from_secs(20),
        write_time: Duration::from_secs(10),
        linger_time: Duration::from_secs(1),
        linger_bytes: 1024 * 1024,
        connections: 12_000,
        spare_threads: 64,
        thread_stack: 256 * 1024,
    };

    /// What a read buffer must be able to hold: the longest thing that is parsed as one piece.
    pub(super) fn buffer(&self) -> usize {
        self.head.max(self.chunk_overhead).max(self.trailers)
    }
}
