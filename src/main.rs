//! The `embedctl` binary: hands the process to the library.

use std::env;
use std::process::ExitCode;

use embedctl::system::{System, harden};

fn main() -> ExitCode {
    harden();
    if let Some(exit) = embedctl::assist(env::args_os()) {
        return exit;
    }
    run()
}

#[tokio::main]
async fn run() -> ExitCode {
    embedctl::run(env::args_os(), &mut System::os())
        .await
        .into()
}
