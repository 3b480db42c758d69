//! The four services, in this process.

use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, anyhow, ensure};
use choreography::manifest::Manifest;
use choreography::service::Service;
use choreography::{Config, Stop};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio::time::Instant;

/// How long the services may take until they are ready. The embedded broker forms a group in three
/// seconds.
const START_MAX: Duration = Duration::from_secs(60);

/// How long they may take to stop; nothing is lost that anybody would miss.
const DRAIN_TIME: Duration = Duration::from_secs(5);

/// The embedded broker holds a fetch without records back for its whole time, and with it all that
/// is asked after it, even if a record comes in meanwhile.
const FETCH_WAIT: &str = "fetch.wait.max.ms=10";

/// What the services hear and say.
pub(crate) fn manifests() -> Vec<Manifest> {
    vec![
        order_svc::manifest(),
        inventory_svc::manifest(),
        logistics_svc::manifest(),
        seller_svc::manifest(),
    ]
}

/// What the services are started with.
pub(super) struct Settings<'a> {
    /// Where the embedded broker listens.
    pub(super) brokers: String,
    /// Where their databases are.
    pub(super) folder: &'a Path,
    /// How long order-svc waits for answers.
    pub(super) deadline: Duration,
    /// How long a parcel takes.
    pub(super) deliver_after: Duration,
}

/// The services while they run.
pub(super) struct Services {
    stop: Stop,
    running: JoinSet<anyhow::Result<()>>,
    pages: Vec<(&'static str, SocketAddr)>,
}

impl Services {
    /// Starts all of them.
    ///
    /// # Errors
    /// One cannot be started.
    pub(super) async fn start(settings: Settings<'_>) -> anyhow::Result<Self> {
        let Settings { folder, deadline, deliver_after, .. } = settings;
        let config = Config {
            embedded: true,
            drain_time: DRAIN_TIME,
            properties: vec![FETCH_WAIT.parse()?],
            ..crate::kafka::config(settings.brokers)?
        };
        let mut services =
            Self { stop: Stop::new(DRAIN_TIME), running: JoinSet::new(), pages: vec![] };
        let orders = order_svc::Orders::new(&order_svc::Options { deadline })?;
        services.add(orders, &config, folder).await?;
        let options = inventory_svc::Options { stock_file: None };
        services.add(inventory_svc::Inventory::new(&options)?, &config, folder).await?;
        let options = logistics_svc::Options { carriers_file: None, deliver_after };
        services.add(logistics_svc::Logistics::new(&options)?, &config, folder).await?;
        let options = seller_svc::Options { sellers_file: None };
        services.add(seller_svc::Sellers::new(&options)?, &config, folder).await?;
        Ok(services)
    }

    async fn add<S: Service>(
        &mut self,
        service: S,
        config: &Config,
        folder: &Path,
    ) -> anyhow::Result<()> {
        let name = service.manifest().service;
        let file = folder.join(format!("{name}.db"));
        let config =
            Config { database_url: Some(format!("sqlite://{}", file.display())), ..config.clone() };
        let listener =
            TcpListener::bind("127.0.0.1:0").await.context("cannot listen on 127.0.0.1")?;
        self.pages.push((name, listener.local_addr()?));
        let serving = choreography::serve(config, service, self.stop.clone(), Some(listener));
        self.running.spawn(async move { serving.await.context(name) });
        Ok(())
    }

    /// Waits until all of them are ready.
    ///
    /// # Errors
    /// One has failed, or they take too long.
    pub(super) async fn ready(&mut self) -> anyhow::Result<()> {
        let began = Instant::now();
        for (name, address) in self.pages.clone() {
            while !is_ready(address).await {
                ensure!(began.elapsed() < START_MAX, "{name} is not ready after {START_MAX:?}");
                tokio::select! {
                    why = self.ended() => return Err(why),
                    () = tokio::time::sleep(Duration::from_millis(50)) => (),
                }
            }
        }
        Ok(())
    }

    /// Ends when a service ends that was not told to; out: why.
    pub(super) async fn ended(&mut self) -> anyhow::Error {
        match self.running.join_next().await {
            Some(Ok(Ok(()))) | None => anyhow!("a service has ended"),
            Some(Ok(Err(error))) => error,
            Some(Err(error)) => error.into(),
        }
    }

    /// Stops all of them.
    pub(super) async fn stop(mut self) {
        self.stop.stop();
        while let Some(ended) = self.running.join_next().await {
            if let Err(error) = ended.map_err(anyhow::Error::from).flatten() {
                tracing::warn!("{error:#}");
            }
        }
    }
}

/// Asks a service's own page, as an orchestrator would.
async fn is_ready(address: SocketAddr) -> bool {
    let ask = async {
        let mut stream = TcpStream::connect(address).await?;
        stream
            .write_all(b"GET /readyz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
            .await?;
        let mut status = [0; 12];
        stream.read_exact(&mut status).await?;
        Ok::<_, std::io::Error>(status.ends_with(b" 200"))
    };
    ask.await.unwrap_or(false)
}
