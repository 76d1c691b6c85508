//! The representation of values in the tables.

use jiff::Timestamp;
use serde_json::Value;
use tokio_postgres::Row;
use tokio_postgres::types::FromSql;

use crate::ledger::postgres::fault::Fault;

/// The value of a column.
pub(super) fn get<'a, T: FromSql<'a>>(row: &'a Row, column: &str) -> Result<T, Fault> {
    Ok(row.try_get(column)?)
}

/// A count or a number, of which none is negative.
pub(super) fn count(row: &Row, column: &str) -> Result<u64, Fault> {
    u64::try_from(get::<i64>(row, column)?).map_err(Fault::unreadable)
}

/// A number that came from a [`u64`].
pub(super) fn number(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// A time, as nanoseconds since 1970.
pub(super) fn nanos(time: Timestamp) -> i64 {
    // The years in which this fits are 1677 to 2262.
    i64::try_from(time.as_nanosecond()).unwrap_or(i64::MAX)
}

/// The reverse of [`nanos`].
pub(super) fn time(nanos: i64) -> Result<Timestamp, Fault> {
    Timestamp::from_nanosecond(nanos.into()).map_err(Fault::unreadable)
}

/// JSON as text, and null as NULL.
pub(super) fn json(value: &Value) -> Option<String> {
    (!value.is_null()).then(|| value.to_string())
}

/// The reverse of [`json`].
pub(super) fn from_json(row: &Row, column: &str) -> Result<Value, Fault> {
    match get::<Option<&str>>(row, column)? {
        None => Ok(Value::Null),
        Some(text) => serde_json::from_str(text).map_err(Fault::unreadable),
    }
}
