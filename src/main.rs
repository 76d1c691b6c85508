//! The `embedctl` binary: hands the process to the library.

use std::env;
use std::process::ExitCode;

use embedctl::system::System;

#[tokio::main]
async fn main() -> ExitCode {
    embedctl::run(env::args_os(), &mut System::os())
        .await
        .into()
}
