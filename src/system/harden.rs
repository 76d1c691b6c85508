//! What this process must not leave behind: secrets in a core dump, or in the hands of a debugger.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Write no core dump, whatever happens, and let no other process of this user look into this one's memory. A system that
/// refuses is left as it is: there is nobody to tell yet.
pub fn harden() {
    let none = Rlimit {
        current: Some(0),
        ..getrlimit(Resource::Core)
    };
    let _set = setrlimit(Resource::Core, none).is_ok();
    #[cfg(target_os = "linux")]
    let _set =
        rustix::process::set_dumpable_behavior(rustix::process::DumpableBehavior::NotDumpable)
            .is_ok();
}

/// Let this process, which runs a filter of the user's, have so much memory and processor time and no more.
pub(crate) fn limit(bytes: u64, seconds: u64) {
    for (resource, most) in [(Resource::As, bytes), (Resource::Cpu, seconds)] {
        let limit = Rlimit {
            current: Some(most),
            maximum: Some(most),
        };
        let _set = setrlimit(resource, limit).is_ok();
    }
}
