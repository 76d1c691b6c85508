//! Turns at Looker that several processes share, so that together they keep to one rate.

use std::fmt;
use std::pin::Pin;
use std::time::Duration;

/// Where turns come from. What the processes share is known there only, and only its clock counts.
pub trait Turns: fmt::Debug + Send + Sync {
    /// Take `count` turns, `gap` apart: how long from now until the first of them. `None` if there is no telling; whoever
    /// asks then keeps to its own rate.
    fn take(&self, count: u32, gap: Duration) -> Later<'_>;

    /// Hold everyone back for `time`, counted from now.
    fn hold(&self, time: Duration);

    /// So many calls were made, with a turn or without: a quota counts them together too.
    fn made(&self, calls: u64);
}

/// How long from now.
pub type Later<'a> = Pin<Box<dyn Future<Output = Option<Duration>> + Send + 'a>>;
