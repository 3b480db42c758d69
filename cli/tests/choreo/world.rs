//! The four services on an embedded broker in this process, for all tests that need them.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use choreography::embedded::EmbeddedBroker;
use choreography::service::Service;
use choreography::topics::needed_by;
use choreography::{Config, Stop};
use clap::FromArgMatches;
use tokio::net::TcpListener;

/// Where the parts of it listen.
pub(crate) struct World {
    pub(crate) brokers: String,
    pub(crate) url: String,
}

/// The one world of this process: a group takes three seconds to form.
pub(crate) fn world() -> &'static World {
    static WORLD: OnceLock<World> = OnceLock::new();
    WORLD.get_or_init(start)
}

/// Where the databases of its services are, each named after its service.
pub(crate) fn folder() -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join("choreo-world")
}

/// A thread keeps it for as long as the process lives.
fn start() -> World {
    let (sender, started) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let folder = folder();
        let _ = std::fs::remove_dir_all(&folder);
        std::fs::create_dir_all(&folder).unwrap();
        let manifests = [
            order_svc::manifest(),
            inventory_svc::manifest(),
            logistics_svc::manifest(),
            seller_svc::manifest(),
        ];
        let broker = EmbeddedBroker::start(&needed_by(&manifests)).unwrap();
        let pages = runtime.block_on(services(broker.brokers(), &folder));
        wait_until_ready(&pages);
        let url = format!("http://{}", pages[0]);
        sender.send(World { brokers: broker.brokers(), url }).unwrap();
        loop {
            std::thread::park();
        }
    });
    started.recv_timeout(Duration::from_secs(120)).unwrap()
}

async fn services(brokers: String, folder: &Path) -> Vec<SocketAddr> {
    let command = clap::Command::new("world").no_binary_name(true);
    let command = <Config as clap::Args>::augment_args(command);
    let command = command.mut_args(|arg| arg.env(clap::builder::Resettable::Reset));
    let matches = command.try_get_matches_from(std::iter::empty::<&str>()).unwrap();
    let config = Config {
        brokers,
        embedded: true,
        // The embedded broker holds a fetch back for its whole time.
        properties: vec!["fetch.wait.max.ms=10".parse().unwrap()],
        ..Config::from_arg_matches(&matches).unwrap()
    };
    let deadline = Duration::from_secs(30);
    let deliver_after = Duration::from_millis(300);
    let orders = order_svc::Orders::new(&order_svc::Options { deadline }).unwrap();
    let options = inventory_svc::Options { stock_file: None };
    let inventory = inventory_svc::Inventory::new(&options).unwrap();
    let options = logistics_svc::Options { carriers_file: None, deliver_after };
    let logistics = logistics_svc::Logistics::new(&options).unwrap();
    let sellers = seller_svc::Sellers::new(&seller_svc::Options { sellers_file: None }).unwrap();
    vec![
        serve(orders, &config, folder).await,
        serve(inventory, &config, folder).await,
        serve(logistics, &config, folder).await,
        serve(sellers, &config, folder).await,
    ]
}

async fn serve<S: Service>(service: S, config: &Config, folder: &Path) -> SocketAddr {
    let file: PathBuf = folder.join(format!("{}.db", service.manifest().service));
    let database_url = Some(format!("sqlite://{}", file.display()));
    let config = Config { database_url, ..config.clone() };
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let stop = Stop::new(Duration::from_secs(1));
    tokio::spawn(choreography::serve(config, service, stop, Some(listener)));
    address
}

fn wait_until_ready(pages: &[SocketAddr]) {
    use std::io::{Read, Write};
    let began = Instant::now();
    for page in pages {
        let is_ready = || -> std::io::Result<bool> {
            let mut stream = std::net::TcpStream::connect(page)?;
            stream.write_all(b"GET /readyz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")?;
            let mut status = [0; 12];
            stream.read_exact(&mut status)?;
            Ok(status.ends_with(b" 200"))
        };
        while !is_ready().unwrap_or(false) {
            assert!(began.elapsed() < Duration::from_secs(90), "{page} is not ready");
            std::thread::sleep(Duration::from_millis(50));
        }
    }
}
