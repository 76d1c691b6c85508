//! What `embedctl apply` does in a second, and what it takes: the program and the local Looker as processes of their own.
//!
//! `cargo bench --bench apply` measures all of it; `-- speed`, `-- memory`, `-- sdks` or `-- faults` that part only. As a
//! test (`cargo test --bench apply`) each part runs with a few users, and shows no more than that it works.

#![allow(
    clippy::unwrap_used,
    clippy::unwrap_in_result,
    clippy::panic,
    clippy::print_stdout,
    clippy::indexing_slicing,
    reason = "a benchmark that cannot run should say so and stop"
)]

mod faults;
#[path = "../../it/installed.rs"]
mod installed;
mod job;
mod looker;
mod memory;
mod program;
mod sdks;
mod speed;

/// Measures, and prints what it has found; as a test it does little.
type Part = fn(test: bool);

const PARTS: [(&str, Part); 4] = [
    ("speed", speed::run),
    ("memory", memory::run),
    ("sdks", sdks::run),
    ("faults", faults::run),
];

fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let given = |name: &str| args.iter().any(|arg| arg == name);
    // Cargo says `--bench` to a benchmark, and nothing to a test.
    let test = given("--test") || !given("--bench");
    let all = !PARTS.iter().any(|(name, _)| given(name));
    for (name, run) in PARTS {
        if all || given(name) {
            println!("\n{name}");
            run(test);
        }
    }
}
