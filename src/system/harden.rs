//! What this process must not leave behind: secrets in a core dump or in a debugger.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Disable core dumps, and deny other processes of this user access to this process's memory. If the system refuses, nothing
/// happens: there is no way to report it yet.
pub fn harden() {
    // A core dump would write secrets to disk.
    let none = Rlimit {
        current: Some(0),
        ..getrlimit(Resource::Core)
    };
    let _set = setrlimit(Resource::Core, none).is_ok();
    #[cfg(target_os = "linux")]
    // Other processes of the same user could otherwise read the memory.
    let _set =
        rustix::process::set_dumpable_behavior(rustix::process::DumpableBehavior::NotDumpable)
            .is_ok();
}

/// Limit the memory and processor time of this process, which runs a filter of the user.
pub(crate) fn limit(bytes: u64, seconds: u64) {
    for (resource, most) in [(Resource::As, bytes), (Resource::Cpu, seconds)] {
        // The hard limit too, so that the filter cannot raise its own.
        let limit = Rlimit {
            current: Some(most),
            maximum: Some(most),
        };
        let _set = setrlimit(resource, limit).is_ok();
    }
}
