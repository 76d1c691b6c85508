//! Whether a signed URL names a time zone that there is, as far as this machine knows them.

use jiff::tz;

use crate::report::nearest;
use crate::signed_url::inspect::{Diagnosis, Inspection};

/// Add advice if it names another one. Looker has its own list, so that is no refusal.
pub(super) fn judge(inspection: &mut Inspection) {
    let zone = inspection.params.get("user_timezone");
    let Some(zone) = zone
        .and_then(|zone| zone.as_str())
        .filter(|zone| !zone.is_empty())
    else {
        return;
    };
    let known: Vec<String> = tz::db().available().map(|name| name.to_string()).collect();
    let found = unknown(zone, &known);
    if let Some(diagnosis) = found {
        inspection.found(diagnosis, false);
    }
}

fn unknown(zone: &str, known: &[String]) -> Option<Diagnosis> {
    // A machine without the list, as a small container is, knows none.
    if known.is_empty() || known.iter().any(|name| name == zone) {
        return None;
    }
    let other_case = known.iter().find(|name| name.eq_ignore_ascii_case(zone));
    let meant = other_case.map(String::as_str);
    let meant = meant.or_else(|| nearest(zone, known.iter().map(String::as_str)));
    let meant = meant.map(|meant| format!("; did you mean `{meant}`?"));
    Some(Diagnosis {
        name: "timezone_unknown",
        message: format!(
            "there is no time zone `{zone}` among those of this machine{}",
            meant.unwrap_or_default()
        ),
        fix: "sign and send a name of the IANA list, such as `Europe/Berlin` or `Etc/UTC`"
            .to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::unknown;

    #[test]
    fn a_name_that_is_not_in_the_list_is_told_with_the_one_that_was_meant() {
        let known = ["Etc/UTC", "Europe/Berlin", "America/New_York"].map(str::to_owned);
        for (zone, meant) in [
            ("Europe/Berlin", None),
            ("europe/berlin", Some("did you mean `Europe/Berlin`?")),
            ("Europe/Berln", Some("did you mean `Europe/Berlin`?")),
            ("CEST", Some("no time zone `CEST`")),
        ] {
            let told = unknown(zone, &known).map(|it| it.message);

            let fits = match (&told, meant) {
                (None, None) => true,
                (Some(told), Some(meant)) => told.contains(meant),
                _ => false,
            };
            assert!(fits, "{zone}: {told:?}");
        }
        assert!(unknown("anything", &[]).is_none());
    }
}
