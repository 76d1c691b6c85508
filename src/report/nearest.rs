//! The known name that was probably meant.

/// The name most similar to `unknown`, if one is similar enough.
pub(crate) fn nearest<'a>(
    unknown: &str,
    known: impl IntoIterator<Item = &'a str>,
) -> Option<&'a str> {
    let closeness =
        |name: &str| strsim::jaro_winkler(&unknown.to_lowercase(), &name.to_lowercase());
    known
        .into_iter()
        .map(|name| (closeness(name), name))
        // Below this, suggestions are more often wrong than right.
        .filter(|(closeness, _)| *closeness > 0.8)
        .max_by(|(a, _), (b, _)| a.total_cmp(b))
        .map(|(_, name)| name)
}
