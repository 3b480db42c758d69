//! The process logistics-svc: see the crate's documentation.

use clap::Parser;

#[derive(Parser)]
#[command(version, about)]
struct Cli {
    #[command(flatten)]
    runtime: choreography::Config,
    #[command(flatten)]
    service: logistics_svc::Options,
}

fn main() -> std::process::ExitCode {
    let cli = Cli::parse();
    choreography::main(cli.runtime, || logistics_svc::Logistics::new(&cli.service))
}
