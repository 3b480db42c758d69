//! The process order-svc: see the crate's documentation.

use clap::Parser;

#[derive(Parser)]
#[command(version, about)]
struct Cli {
    #[command(flatten)]
    runtime: choreography::Config,
    #[command(flatten)]
    service: order_svc::Options,
    #[command(flatten)]
    http: order_svc::http::Options,
}

fn main() -> std::process::ExitCode {
    let cli = Cli::parse();
    let make = || Ok(order_svc::Orders::new(&cli.service)?.with_http(cli.http));
    choreography::main(cli.runtime, make)
}
