//! How each fault is done, and undone.

use std::thread::sleep;
use std::time::{Duration, Instant};

use super::faults::{Fault, Kind};
use crate::crash::{CRASH_AT, check_death};
use crate::local::Part;
use crate::proxy::{self, Proxy, Way};
use crate::service::Service;
use crate::trial::Trial;

/// The proxies by which the services reach their parts.
pub struct Proxies {
    /// To Kafka.
    pub kafka: Proxy,
    /// To PostgreSQL.
    pub postgres: Proxy,
}

/// From one cut to the next.
const BETWEEN_CUTS: Duration = Duration::from_secs(1);

/// Each piece waits so long on its way: an answer takes twice that.
const LATE: Duration = Duration::from_millis(200);

/// On each connection and each way.
const NARROW_BYTES_PER_SECOND: u32 = 64 * 1024;

/// A point that is not reached for so long is given up: there is no timer, or nothing owed.
const POINT_LIMIT: Duration = Duration::from_secs(30);

/// Does it, and undoes it.
///
/// # Panics
/// It cannot be done, or a process ends that should not.
pub(super) fn harm(trial: &mut Trial, proxies: &Proxies, fault: &Fault) {
    let Proxies { kafka, postgres } = proxies;
    let lasts = fault.lasts;
    match fault.kind {
        Kind::InstanceKilled => {
            let instance = trial.instance(fault.service);
            trial.processes().kill(instance);
            trial.processes().start_again(instance);
        }
        Kind::CrashPoint => die_at(trial, fault),
        Kind::InstanceReplaced => replace(trial, fault.service),
        Kind::InstanceFrozen => {
            let instance = trial.instance(fault.service);
            trial.processes().signal(instance, "STOP");
            sleep(lasts);
            trial.processes().signal(instance, "CONT");
        }
        Kind::BrokerKilled => trial.kill_and_start_again(Part::Kafka),
        Kind::BrokerFrozen => {
            trial.parts().signal(Part::Kafka, "STOP");
            sleep(lasts);
            trial.parts().signal(Part::Kafka, "CONT");
        }
        Kind::BrokerCut => cut(kafka, lasts),
        Kind::BrokerLate => disturb(kafka, proxy::Fault::Delay(LATE), lasts),
        Kind::BrokerNarrow => {
            let narrow = proxy::Fault::Throttle { bytes_per_second: NARROW_BYTES_PER_SECOND };
            disturb(kafka, narrow, lasts);
        }
        Kind::BrokerUnheard => disturb(kafka, proxy::Fault::Stall(Way::Requests), lasts),
        Kind::BrokerAnswersLost => lose_answers(kafka, lasts),
        Kind::DatabaseKilled => trial.kill_and_start_again(Part::Postgres),
        Kind::DatabaseCut => cut(postgres, lasts),
        Kind::DatabaseUnheard => disturb(postgres, proxy::Fault::Stall(Way::Both), lasts),
        Kind::DatabaseAnswersLost => lose_answers(postgres, lasts),
    }
}

fn die_at(trial: &mut Trial, fault: &Fault) {
    let instance = trial.instance(fault.service);
    let (point, times) = &fault.point;
    let processes = trial.processes();
    processes.kill(instance);
    processes.start_again_with(instance, &[(CRASH_AT, &format!("{point}:{times}"))]);
    let began = Instant::now();
    while began.elapsed() < POINT_LIMIT {
        if let Some(status) = processes.ended(instance) {
            check_death(processes, instance, point, status);
            processes.start_again(instance);
            return;
        }
        sleep(Duration::from_millis(50));
    }
    processes.kill(instance);
    processes.start_again(instance);
}

fn replace(trial: &mut Trial, service: Service) {
    let first = trial.instance(service);
    let second = trial.start_another(service);
    trial.processes().wait_ready(second);
    trial.processes().stop(first);
    trial.processes().start_again(first);
    trial.processes().wait_ready(first);
    trial.processes().stop(second);
}

fn disturb(proxy: &Proxy, fault: proxy::Fault, lasts: Duration) {
    proxy.set(fault);
    sleep(lasts);
    proxy.set(proxy::Fault::None);
}

fn cut(proxy: &Proxy, lasts: Duration) {
    let began = Instant::now();
    while began.elapsed() < lasts {
        disturb(proxy, proxy::Fault::Cut, Duration::from_millis(100));
        sleep(BETWEEN_CUTS);
    }
}

/// What waits when the connections end never arrives.
fn lose_answers(proxy: &Proxy, lasts: Duration) {
    proxy.set(proxy::Fault::Stall(Way::Answers));
    sleep(lasts);
    disturb(proxy, proxy::Fault::Cut, Duration::ZERO);
}
