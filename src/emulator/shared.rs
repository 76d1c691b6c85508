//! State shared by all connections: the world behind its lock, the log, the faults, the clock.

use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::emulator::faults::Faults;
use crate::emulator::faults::late_calls::LateCalls;
use crate::emulator::faults::limit::Limit;
use crate::emulator::http::latency::{Line, Punctual};
use crate::emulator::log::Log;
use crate::emulator::options::{Latency, Options};
use crate::emulator::state::StateError;
use crate::emulator::world::random::Source;
use crate::emulator::world::{Seed, World};

/// What all connections share.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) options: Options,
    pub(crate) seed: Seed,
    /// The randomness of latency; separate, so that it does not change any secret.
    pub(crate) delays: Source,
    pub(crate) punctual: Punctual,
    pub(crate) base_url: String,
    inside: Mutex<Inside>,
    clock_offset: AtomicI64,
}

/// What the lock protects.
#[derive(Debug)]
pub(crate) struct Inside {
    pub(crate) world: World,
    pub(crate) log: Log,
    pub(crate) faults: Faults,
    pub(crate) late: LateCalls,
    pub(crate) limit: Limit,
    pub(crate) latency: Latency,
    pub(crate) line: Line,
}

impl Shared {
    /// A world made of `seed`, served at `base_url`.
    pub(crate) fn new(options: Options, seed: Seed, base_url: String) -> Result<Self, StateError> {
        let inside = Inside::new(&options, &seed)?;
        Ok(Self {
            clock_offset: AtomicI64::new(options.clock_offset),
            delays: Source::new(options.random.clone(), options.seed),
            punctual: Punctual::default(),
            options,
            seed,
            base_url,
            inside: Mutex::new(inside),
        })
    }

    /// The world and its log, for one call at a time.
    pub(crate) fn lock(&self) -> MutexGuard<'_, Inside> {
        // The world is a test's; a panic in one request must not fail all others.
        let mut inside = self.inside.lock().unwrap_or_else(PoisonError::into_inner);
        // The time is set whenever the world is locked, so that all of a request happens at one
        // moment.
        inside.world.now = self.now() + inside.world.rules.switches.created_at_offset;
        inside
    }

    /// The time here, in seconds.
    pub(crate) fn now(&self) -> i64 {
        self.options.clock.now().as_second() + self.clock_offset.load(Ordering::SeqCst)
    }

    /// Set the clock ahead of the machine's by `seconds`.
    pub(crate) fn set_clock_offset(&self, seconds: i64) {
        self.clock_offset.store(seconds, Ordering::SeqCst);
    }

    /// Start over, with the same secrets.
    pub(crate) fn reset(&self) -> Result<(), StateError> {
        let seed = Seed {
            // With the present time: a reset must not turn the clock back.
            now: self.now(),
            ..self.seed.clone()
        };
        // Built before the lock is taken, so that a faulty state leaves the old world.
        let fresh = Inside::new(&self.options, &seed)?;
        *self.lock() = fresh;
        Ok(())
    }
}

impl Inside {
    fn new(options: &Options, seed: &Seed) -> Result<Self, StateError> {
        let mut world = World::new(seed);
        options.state.clone().put(&mut world)?;
        let mut faults = Faults::default();
        for fault in &options.faults {
            faults.add(fault.clone());
        }
        Ok(Self {
            world,
            log: Log::new(options.history),
            faults,
            late: LateCalls::default(),
            limit: Limit::new(options.rate_limit),
            latency: options.latency,
            line: Line::new(options.capacity),
        })
    }
}
