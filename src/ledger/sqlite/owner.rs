//! Which process owns a run, and whether it is alive.

use std::fs;
use std::process;

use jiff::Timestamp;

/// A process, distinguishable from a later one with the same pid.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Process {
    /// Its process id.
    pub pid: u32,
    /// The name of its machine, for people.
    pub host: String,
    /// The boot and the pid namespace of its pid; a different one says nothing about its life.
    pub space: String,
    /// When it started, in clock ticks since boot; `None` if the system does not say.
    pub started: Option<u64>,
}

impl Process {
    /// This process.
    pub fn current() -> Self {
        let pid = process::id();
        Self {
            pid,
            host: host(),
            space: space(),
            started: started(pid),
        }
    }

    /// Whether `other` is alive, or may be because it is not visible from this process and its lease has not expired.
    pub(super) fn may_live(&self, other: &Self, lease_until: Timestamp, now: Timestamp) -> bool {
        self.sees_alive(other).unwrap_or(now < lease_until)
    }

    /// Whether `other` is alive, as seen from this process; `None` if only its lease can tell.
    fn sees_alive(&self, other: &Self) -> Option<bool> {
        // A pid of another machine, boot or container says nothing about a process here.
        if self.space.is_empty() || self.space != other.space {
            return None;
        }
        // A pid alone is not enough: it may have been given to a new process since.
        match (started(other.pid), other.started) {
            // The process exists and is the one that was recorded, since both started at the same
            // tick.
            (Some(found), Some(recorded)) => Some(found == recorded),
            (None, Some(_)) => Some(false),
            (_, None) => None,
        }
    }
}

/// The start time of a process, from the 22nd field of `/proc/PID/stat` (see proc(5)). The second field is the command in
/// parentheses, which may itself contain spaces and parentheses.
fn started(pid: u32) -> Option<u64> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let (_, after_command) = stat.rsplit_once(')')?;
    after_command.split_ascii_whitespace().nth(19)?.parse().ok()
}

/// The boot and the pid namespace, empty if the system does not say.
fn space() -> String {
    let boot = fs::read_to_string("/proc/sys/kernel/random/boot_id");
    let namespace = fs::read_link("/proc/self/ns/pid");
    match (boot, namespace) {
        (Ok(boot), Ok(namespace)) => format!("{} {}", boot.trim(), namespace.display()),
        _ => String::new(),
    }
}

#[cfg(unix)]
fn host() -> String {
    rustix::system::uname()
        .nodename()
        .to_string_lossy()
        .into_owned()
}

#[cfg(not(unix))]
fn host() -> String {
    "this machine".to_owned()
}

#[cfg(test)]
mod tests {
    use super::Process;

    #[test]
    #[cfg(target_os = "linux")]
    fn a_process_that_got_the_number_of_a_dead_one_is_not_taken_for_it() {
        let me = Process::current();
        let earlier = Process {
            started: me.started.map(|started| started - 1),
            ..me.clone()
        };

        assert_eq!(me.sees_alive(&me), Some(true));
        assert_eq!(me.sees_alive(&earlier), Some(false));
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn a_process_of_another_boot_or_namespace_is_not_judged() {
        let me = Process::current();
        let elsewhere = Process {
            space: "elsewhere".to_owned(),
            ..me.clone()
        };

        assert_eq!(me.sees_alive(&elsewhere), None);
    }
}
