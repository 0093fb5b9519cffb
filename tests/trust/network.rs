//! No network: no code for it, and not one call.

use std::fs;
use std::path::Path;
use std::process::Command;

use super::SUBCOMMANDS;
use super::strace::{trace_of, wrapped_argv};
use crate::harness::{
    Case, DYNAMIC, EVERY_WAY, RECORDED, Sandbox, TM_RUN, WaitStatus, Way, cases, find_on_path, once, probe,
};

pub fn cases() -> Vec<Case> {
    let mut all = once![cargo_lock_has_no_network_crate];
    all.extend(cases![&[Way::Off], needs ["nm", "bash", DYNAMIC]; no_socket_function_is_linked]);
    all.extend(cases![EVERY_WAY, needs ["strace"]; run_makes_no_network_syscall]);
    all.extend(cases![&[Way::Off, Way::Recorded], needs ["strace"]; subcommands_make_no_network_syscall]);
    all.extend(cases![RECORDED, needs ["strace", "bash"]; socket_opened_by_a_program_is_detected]);
    all
}

/// Crates that talk to a network, start or drive an event loop for one, or speak TLS.
const NETWORK_CRATES: &[&str] = &[
    "actix-net",
    "async-io",
    "async-net",
    "async-std",
    "attohttpc",
    "awc",
    "aws-config",
    "aws-sdk-s3",
    "curl",
    "curl-sys",
    "ehttp",
    "grpcio",
    "h2",
    "h3",
    "hickory-resolver",
    "http",
    "httparse",
    "hyper",
    "hyper-util",
    "isahc",
    "lettre",
    "libp2p",
    "mio",
    "minreq",
    "native-tls",
    "octocrab",
    "openssl",
    "openssl-sys",
    "opentelemetry",
    "posthog-rs",
    "quinn",
    "reqwest",
    "rustls",
    "schannel",
    "segment",
    "sentry",
    "smol",
    "socket2",
    "ssh2",
    "surf",
    "tokio",
    "tonic",
    "trust-dns-resolver",
    "tungstenite",
    "ureq",
    "url",
    "webpki",
    "webpki-roots",
    "websocket",
    "zmq",
];

fn crates(lock: &str) -> Vec<&str> {
    lock.lines().filter_map(|line| line.strip_prefix("name = \"")?.strip_suffix('"')).collect()
}

fn network_crates(lock: &str) -> Vec<&str> {
    crates(lock).into_iter().filter(|name| NETWORK_CRATES.contains(name)).collect()
}

fn cargo_lock_has_no_network_crate() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let lock = fs::read_to_string(root.join("Cargo.lock")).expect("Cargo.lock");
    assert!(crates(&lock).contains(&"clap"), "the list is read");
    assert_eq!(network_crates(&lock), [""; 0]);
    assert_eq!(network_crates(&format!("{lock}\n[[package]]\nname = \"ureq\"\n")), ["ureq"]);
}

/// Functions of the C library that open a socket, or ask a name service, which does.
const FUNCTIONS: &[&str] = &[
    "accept",
    "accept4",
    "bind",
    "connect",
    "getaddrinfo",
    "gethostbyname",
    "gethostbyname_r",
    "getnameinfo",
    "getpwnam_r",
    "getpwuid_r",
    "listen",
    "recv",
    "recvfrom",
    "recvmsg",
    "res_init",
    "res_query",
    "send",
    "sendmsg",
    "sendto",
    "socket",
    "socketpair",
];

/// The functions that a program imports from shared libraries.
fn imports(program: &Path) -> Vec<String> {
    let output =
        Command::new("nm").args(["-D", "--undefined-only"]).arg(program).output().expect("nm starts");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let name = |line: &str| line.split_whitespace().next_back()?.split('@').next().map(str::to_owned);
    text.lines().filter_map(name).collect()
}

fn no_socket_function_is_linked(_: &Sandbox) {
    let found = |program: &Path| {
        let imports = imports(program);
        assert!(imports.iter().any(|name| name == "write"), "the list is read: {imports:?}");
        imports.into_iter().filter(|name| FUNCTIONS.contains(&name.as_str())).collect::<Vec<_>>()
    };
    let program = std::env::var_os("TM_RUN_DYNAMIC").expect("a path");
    assert_eq!(found(Path::new(&program)), [""; 0]);
    // bash can open sockets itself: see below.
    assert!(found(&find_on_path("bash").expect("bash")).contains(&"socket".to_owned()));
}

/// io_uring could open a socket without a system call of its own.
const NETWORK: &[&str] = &["-f", "-e", "trace=%network,io_uring_setup"];

#[track_caller]
fn assert_no_network_call(sandbox: &Sandbox, words: Vec<std::ffi::OsString>) {
    let shown = format!("{words:?}");
    let (output, calls) = trace_of(sandbox, NETWORK, words);
    assert!(
        matches!(output.status, WaitStatus::Exited(0 | 3)),
        "{shown}: {:?} {}",
        output.status,
        output.stderr
    );
    assert!(calls.is_empty(), "{shown}: {calls:?}");
}

fn subcommands_make_no_network_syscall(sandbox: &Sandbox) {
    assert_no_network_call(sandbox, vec![TM_RUN.into(), "on".into()]);
    for words in SUBCOMMANDS {
        assert_no_network_call(sandbox, [TM_RUN].iter().chain(*words).map(Into::into).collect());
    }
}

/// The command makes no such call itself, so that every one would be tm-run's.
fn run_makes_no_network_syscall(sandbox: &Sandbox) {
    assert_no_network_call(sandbox, wrapped_argv(sandbox, &[probe(), "exit", "3"]));
    sandbox.assert_logged(&[3]);
}

fn socket_opened_by_a_program_is_detected(sandbox: &Sandbox) {
    let opens = ["bash", "-c", "exec 3<>/dev/udp/127.0.0.1/9"];
    let (_, calls) = trace_of(sandbox, NETWORK, opens.map(Into::into));
    assert!(calls.iter().any(|call| call.name == "socket"), "{calls:?}");
    // Children are trace_of, too.
    let (_, calls) = trace_of(sandbox, NETWORK, wrapped_argv(sandbox, &opens));
    assert!(calls.iter().any(|call| call.name == "socket"), "{calls:?}");
}
