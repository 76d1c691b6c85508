//! Completions in the shells themselves, each of which is asked what it offers.

use crate::support::{Sandbox, found, output};

/// Ask bash for its completions of `embedctl keys ro`.
const BASH: &str = ". ./embedctl.bash
COMP_WORDS=(embedctl keys ro) COMP_CWORD=2 COMP_TYPE=9
_clap_complete_embedctl embedctl ro keys
echo \"${COMPREPLY[@]}\"";

/// Ask fish for the same.
const FISH: &str = "source embedctl.fish; complete -C 'embedctl keys ro'";

#[tokio::test]
async fn bash_and_fish_offer_what_fits() {
    for (shell, script) in [("bash", BASH), ("fish", FISH)] {
        let mut sandbox = Sandbox::offline();
        sandbox.has_embedctl_on_path();
        let script_file = sandbox.run(&["completions", shell]).await.done().out;
        sandbox.file(&format!("embedctl.{shell}"), &script_file);
        let path = std::env::var_os("PATH").unwrap();
        let there = std::env::split_paths(&path).any(|folder| folder.join(shell).exists());
        let is_there = there
            .then_some(())
            .ok_or_else(|| format!("there is no {shell}"));
        if found(is_there).is_none() {
            continue;
        }
        let mut command = sandbox.program(shell);
        command.args(["-c", script]);

        let offered = output(command).await.done().out;

        assert!(offered.contains("rotate"), "{shell}: {offered}");
        assert!(!offered.contains("revoke"), "{shell}: {offered}");
    }
}
