//! Pages for people, from templates in which every value is escaped.

use std::sync::LazyLock;

use minijinja::value::Serde;
use minijinja::{Environment, Error, Output};
use serde::Serialize;
use serde_json::json;

use crate::emulator::http::answer::{Refusal, Reply};
use crate::emulator::text::html;

/// The content type of pages.
const HTML: &str = "text/html;charset=utf-8";

static TEMPLATES: LazyLock<Environment<'static>> =
    LazyLock::new(|| templates().expect("they are read by the tests"));

fn templates() -> Result<Environment<'static>, Error> {
    let mut templates = Environment::new();
    templates.add_template("console.html", include_str!("../console/console.html"))?;
    templates.add_template("page.html", include_str!("../web/page.html"))?;
    // The usual one escapes slashes too, which paths are full of.
    templates.set_formatter(|out, state, value| match value.as_str() {
        Some(text) if !value.is_safe() => write(out, &html(text)),
        _ => minijinja::escape_formatter(out, state, value),
    });
    Ok(templates)
}

fn write(out: &mut Output<'_>, text: &str) -> Result<(), Error> {
    Ok(out.write_str(text)?)
}

/// The page that the template `name` makes of `values`.
pub(crate) fn render(name: &str, values: impl Serialize) -> Result<Reply, Refusal> {
    let page = TEMPLATES.get_template(name);
    let page = page.and_then(|page| page.render(Serde(values)));
    let page = page.map_err(|error| Refusal::new(500, error.to_string()))?;
    Ok(Reply::text(HTML, page))
}

/// A page of a title, a text and a list of names and values.
pub(crate) fn plain(title: &str, text: &str, rows: &[(&str, String)]) -> Result<Reply, Refusal> {
    render(
        "page.html",
        json!({ "title": title, "text": text, "rows": rows }),
    )
}

#[cfg(test)]
mod tests {
    use super::plain;
    use crate::emulator::http::answer::Body;

    #[test]
    fn values_cannot_become_tags_or_leave_their_quotes() {
        let page = plain("<script>", "\" onclick='x", &[("A/B", String::new())]).unwrap();
        let Body::Text(_, page) = page.body else {
            panic!("a page is text");
        };

        assert!(page.contains("<h1>&lt;script&gt;</h1>"), "{page}");
        assert!(page.contains("<p>&quot; onclick=&#39;x</p>"), "{page}");
        assert!(page.contains("<dt>A/B<dd>none"), "{page}");
    }
}
