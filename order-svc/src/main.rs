//! The process order-svc: see the crate's documentation.

use clap::Parser;

#[derive(Parser)]
#[command(version, about)]
struct Cli {
    #[command(flatten)]
    runtime: choreography::Config,
    #[command(flatten)]
    service: order_svc::Options,
}

fn main() -> std::process::ExitCode {
    let cli = Cli::parse();
    choreography::main(cli.runtime, || order_svc::Orders::new(&cli.service))
}
