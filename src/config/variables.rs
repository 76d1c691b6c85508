//! The `EMBEDCTL_…` variables for flags.

use std::str::FromStr;

use clap::ValueEnum;

use crate::config::args::ConfigArgs;
use crate::config::source::Source;
use crate::config::text;
use crate::error::Error;
use crate::system::System;

/// The variable for a flag: `--embed-host` is `EMBEDCTL_EMBED_HOST`.
pub(crate) fn variable_of(flag: &str) -> String {
    let name = flag.trim_start_matches('-').replace('-', "_");
    format!("EMBEDCTL_{}", name.to_uppercase())
}

impl ConfigArgs {
    /// The same flags, with those not given taken from their variables.
    pub(crate) fn with_variables(mut self, system: &System) -> Result<Self, Error> {
        let mut given = Given {
            system,
            args: &mut self.from_variables,
        };
        given.parsed("--profile", &mut self.profile, "")?;
        given.parsed("--base-url", &mut self.base_url, "")?;
        given.parsed("--embed-host", &mut self.embed_host, "")?;
        given.parsed("--embed-algorithm", &mut self.embed_algorithm, "")?;
        given.parsed("--ca-file", &mut self.ca_file, "")?;
        given.parsed("--ini", &mut self.ini, "")?;
        given.parsed("--ledger", &mut self.ledger, "")?;
        given.switch("--emulator", &mut self.emulator)?;
        given.choice("--output", &mut self.output)?;
        given.switch("--quiet", &mut self.quiet)?;
        given.count("--verbose", &mut self.verbose)?;
        given.choice("--color", &mut self.color)?;
        given.choice("--progress", &mut self.progress)?;
        given.parsed("--timeout", &mut self.timeout, "")?;
        given.parsed("--retries", &mut self.retries, "write a whole number")?;
        given.parsed(
            "--concurrency",
            &mut self.concurrency,
            "write a whole number",
        )?;
        given.parsed("--rps", &mut self.rps, "write a number")?;
        given.switch("--sole-minter", &mut self.sole_minter)?;
        given.switch("--yes", &mut self.yes)?;
        given.switch("--no-input", &mut self.no_input)?;
        Ok(self)
    }
}

/// Fills in flags that were not given, and notes which.
struct Given<'a> {
    system: &'a System,
    args: &'a mut std::collections::BTreeMap<&'static str, String>,
}

impl Given<'_> {
    /// The value of the flag's variable, and its name for errors.
    fn value(&self, flag: &str) -> Option<(String, Source)> {
        let name = variable_of(flag);
        let value = text::variable(self.system, &name)?;
        Some((value, Source::Variable(name)))
    }

    fn note(&mut self, flag: &'static str) {
        self.args.insert(flag, variable_of(flag));
    }

    fn parsed<T: FromStr>(
        &mut self,
        flag: &'static str,
        slot: &mut Option<T>,
        advice: &str,
    ) -> Result<(), Error> {
        self.read(flag, slot, |value, source| {
            text::parsed(value, source, advice)
        })
    }

    fn choice<T: ValueEnum>(
        &mut self,
        flag: &'static str,
        slot: &mut Option<T>,
    ) -> Result<(), Error> {
        self.read(flag, slot, |value, source| {
            T::from_str(value, true).map_err(|_| text::invalid(value, source, &choices::<T>()))
        })
    }

    fn read<T>(
        &mut self,
        flag: &'static str,
        slot: &mut Option<T>,
        read: impl FnOnce(&str, &Source) -> Result<T, Error>,
    ) -> Result<(), Error> {
        if slot.is_none()
            && let Some((value, source)) = self.value(flag)
        {
            *slot = Some(read(&value, &source)?);
            self.note(flag);
        }
        Ok(())
    }

    fn switch(&mut self, flag: &'static str, slot: &mut bool) -> Result<(), Error> {
        if !*slot
            && let Some((value, source)) = self.value(flag)
            && text::switch(&value, &source)?
        {
            *slot = true;
            self.note(flag);
        }
        Ok(())
    }

    /// A number, or a switch that counts as one.
    fn count(&mut self, flag: &'static str, slot: &mut u8) -> Result<(), Error> {
        if *slot == 0
            && let Some((value, source)) = self.value(flag)
        {
            *slot = match value.parse() {
                Ok(count) => count,
                Err(_) => u8::from(text::switch(&value, &source)?),
            };
            self.note(flag);
        }
        Ok(())
    }
}

fn choices<T: ValueEnum>() -> String {
    let names: Vec<_> = T::value_variants()
        .iter()
        .filter_map(ValueEnum::to_possible_value)
        .map(|value| format!("`{}`", value.get_name()))
        .collect();
    format!("write one of {}", names.join(", "))
}
