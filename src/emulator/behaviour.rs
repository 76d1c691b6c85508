//! The behaviour of an emulator, as read from `emulator.toml` and as changed at run time.

use std::collections::BTreeMap;

use clap::ValueEnum as _;
use serde::Deserialize;
use serde_json::Value;

use crate::emulator::faults::Fault;
use crate::emulator::faults::limit::Limit;
use crate::emulator::http::latency::Line;
use crate::emulator::options::{Latency, Options};
use crate::emulator::shared::Inside;
use crate::emulator::switches::{Mode, Release, Switches};

/// Behaviour, as far as it is given: `mode`, `release`, `strict`, `latency`, `capacity` in requests at once and `rate_limit` in calls a
/// second (0 is any number), `token_seconds`, `switches` by name, and `faults`.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Behaviour {
    mode: Option<String>,
    release: Option<String>,
    strict: Option<bool>,
    latency: Option<String>,
    capacity: Option<usize>,
    rate_limit: Option<f64>,
    token_seconds: Option<i64>,
    switches: BTreeMap<String, Value>,
    faults: Vec<Fault>,
}

/// An invalid file or request.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct BehaviourError(String);

impl Options {
    /// Apply the text of an `emulator.toml`.
    pub fn read_toml(&mut self, text: &str) -> Result<(), BehaviourError> {
        let behaviour: Behaviour =
            toml::from_str(text).map_err(|error| wrong(error.to_string()))?;
        self.mode = behaviour.mode()?.unwrap_or(self.mode);
        self.strict = behaviour.strict.unwrap_or(self.strict);
        self.latency = behaviour.latency()?.unwrap_or(self.latency);
        self.capacity = behaviour.capacity.or(self.capacity);
        self.rate_limit = behaviour
            .rate_limit
            .or(self.rate_limit)
            .filter(|rate| *rate > 0.0);
        self.token_seconds = behaviour.token_seconds.unwrap_or(self.token_seconds);
        behaviour.set_switches(&mut self.switches)?;
        self.faults.extend(behaviour.faults);
        Ok(())
    }
}

impl Behaviour {
    /// Change the behaviour of a running emulator.
    pub(crate) fn apply(self, inside: &mut Inside) -> Result<(), BehaviourError> {
        let mut rules = inside.world.rules.clone();
        let latency = self.latency()?;
        rules.mode = self.mode()?.unwrap_or(rules.mode);
        rules.strict = self.strict.unwrap_or(rules.strict);
        rules.token_seconds = self.token_seconds.unwrap_or(rules.token_seconds);
        self.set_switches(&mut rules.switches)?;
        if self.mode.is_some() {
            let embedding = rules.mode != Mode::NoEmbed;
            inside.world.settings.embed_enabled = embedding;
            inside.world.settings.sso_auth_enabled = embedding;
        }
        inside.world.rules = rules;
        inside.latency = latency.unwrap_or(inside.latency);
        if let Some(capacity) = self.capacity {
            inside.line = Line::new(Some(capacity));
        }
        if let Some(rate) = self.rate_limit {
            inside.limit = Limit::new((rate > 0.0).then_some(rate));
        }
        for fault in self.faults {
            inside.faults.add(fault);
        }
        Ok(())
    }

    fn mode(&self) -> Result<Option<Mode>, BehaviourError> {
        let mode = self.mode.as_deref();
        mode.map(|text| Mode::from_str(text, false))
            .transpose()
            .map_err(|_error| wrong("a mode is `original`, `core` or `no-embed`"))
    }

    fn latency(&self) -> Result<Option<Latency>, BehaviourError> {
        let latency = self.latency.as_deref();
        latency.map(str::parse).transpose().map_err(wrong)
    }

    fn set_switches(&self, switches: &mut Switches) -> Result<(), BehaviourError> {
        let release = self.release.as_deref().map(str::parse::<Release>);
        let release = release
            .transpose()
            .map_err(|error| wrong(format!("a release: {error}")))?;
        switches.release = release.unwrap_or(switches.release);
        for (name, value) in &self.switches {
            let text = match value {
                Value::String(text) => text.clone(),
                other => other.to_string(),
            };
            let set = switches.set(name, &text);
            set.map_err(|error| wrong(error.to_string()))?;
        }
        Ok(())
    }
}

fn wrong(error: impl Into<String>) -> BehaviourError {
    BehaviourError(error.into())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use crate::emulator::{KeyRights, Latency, Mode, Options, Release};

    #[test]
    fn a_file_sets_mode_latency_switches_and_faults() {
        let mut options = Options::default();

        options
            .read_toml(
                r#"
                mode = "core"
                release = "26.12"
                latency = "25ms"
                capacity = 8
                rate_limit = 50
                faults = ["login:503", { operation = "me", effect = "reset_after" }]

                [switches]
                max_keys = 2
                nested_sudo = true
                source_of_user = "Own Value"
                key_rights = "nobody"
                "#,
            )
            .unwrap();

        assert_eq!(options.mode, Mode::Core);
        assert_eq!(options.latency, Latency::Fixed(Duration::from_millis(25)));
        assert_eq!(options.capacity, Some(8));
        assert_eq!(options.rate_limit, Some(50.0));
        assert_eq!(options.switches.max_keys, 2);
        assert!(options.switches.nested_sudo);
        assert_eq!(options.switches.source_of_user, "Own Value");
        assert_eq!(options.switches.release, Release::V26_12);
        assert_eq!(options.switches.key_rights, KeyRights::Nobody);
        assert_eq!(options.faults.len(), 2);
    }

    #[test]
    fn a_file_with_a_mistake_is_refused() {
        for text in [
            "mood = 'core'",
            "mode = 'cloud'",
            "release = '22.4'",
            "latency = 'long'",
            "switches = { nothing = true }",
            "switches = { max_keys = 'x' }",
            "faults = ['login']",
        ] {
            assert!(Options::default().read_toml(text).is_err(), "{text}");
        }
    }
}
