//! The contract, through its public interface. One binary, as it links faster than many.

#[macro_use]
mod events;

mod compatibility;
mod damage;
mod evolution;
mod files;
mod gate;
mod golden;
mod headers;
mod history;
mod identity;
mod murmur2;
mod round_trip;
mod schemas;
mod topics;
mod trace_parent;
mod values;
