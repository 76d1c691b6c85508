//! The time zones and the languages that users may have.

use serde_json::{Value, json};

use crate::emulator::http::answer::{Answer, json_answer};
use crate::emulator::http::call::Call;
use crate::emulator::http::operation::{Service, op};
use crate::emulator::world::World;

pub(super) const OPERATIONS: &[Service] =
    &[op("all_locales", locales), op("all_timezones", timezones)];

/// Some of the languages: code, what its speakers call it, and its English name.
const LOCALES: &[(&str, &str, &str)] = &[
    ("de", "Deutsch", "German"),
    ("en", "English", "English"),
    ("es_ES", "Español", "Spanish"),
    ("fr_FR", "Français", "French"),
    ("it_IT", "Italiano", "Italian"),
    ("ja_JP", "日本語", "Japanese"),
    ("ko_KR", "한국어", "Korean"),
    ("nl_NL", "Nederlands", "Dutch"),
    ("pt_BR", "Português (Brasil)", "Portuguese (Brazil)"),
    ("sv_SE", "Svenska", "Swedish"),
];

/// Some of the time zones, by continent.
const TIMEZONES: &[(&str, &[&str])] = &[
    (
        "Africa",
        &["Africa/Cairo", "Africa/Johannesburg", "Africa/Lagos"],
    ),
    (
        "America",
        &[
            "America/Bogota",
            "America/Chicago",
            "America/Denver",
            "America/Los_Angeles",
            "America/New_York",
            "America/Sao_Paulo",
        ],
    ),
    (
        "Asia",
        &[
            "Asia/Dubai",
            "Asia/Kolkata",
            "Asia/Shanghai",
            "Asia/Singapore",
            "Asia/Tokyo",
        ],
    ),
    ("Australia", &["Australia/Sydney"]),
    (
        "Europe",
        &[
            "Europe/Berlin",
            "Europe/London",
            "Europe/Madrid",
            "Europe/Paris",
        ],
    ),
    ("Other", &["UTC"]),
];

fn locales(_call: &Call<'_>, _world: &mut World) -> Answer {
    let locales = LOCALES.iter().map(|(code, native, english)| {
        json!({ "code": code, "native_name": native, "english_name": english })
    });
    json_answer(locales.collect())
}

fn timezones(_call: &Call<'_>, _world: &mut World) -> Answer {
    let zones = TIMEZONES.iter().flat_map(|(group, zones)| {
        zones.iter().map(move |zone| {
            let label = zone.replace('_', " ");
            json!({ "value": zone, "label": label, "group": group })
        })
    });
    json_answer(zones.collect::<Value>())
}
