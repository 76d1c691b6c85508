//! The representation of values in the tables.

use jiff::Timestamp;
use rusqlite::types::{FromSql, FromSqlError, FromSqlResult, ToSql, ToSqlOutput, ValueRef};
use serde_json::Value;

use crate::ledger::number::UnknownNumber;

/// A time, as nanoseconds since 1970.
pub(super) struct Time(pub(super) Timestamp);

impl ToSql for Time {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        let nanos = i64::try_from(self.0.as_nanosecond());
        let nanos = nanos.map_err(|error| rusqlite::Error::ToSqlConversionFailure(error.into()))?;
        Ok(nanos.into())
    }
}

impl FromSql for Time {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        let time = Timestamp::from_nanosecond(value.as_i64()?.into());
        time.map(Self).map_err(FromSqlError::other)
    }
}

/// JSON as text, and null as NULL.
pub(super) struct Json<'a>(pub(super) &'a Value);

impl ToSql for Json<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(if self.0.is_null() {
            ToSqlOutput::Borrowed(ValueRef::Null)
        } else {
            self.0.to_string().into()
        })
    }
}

/// The reverse of [`Json`].
pub(super) struct FromJson(pub(super) Value);

impl FromSql for FromJson {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        match value.as_bytes_or_null()? {
            None => Ok(Self(Value::Null)),
            Some(text) => serde_json::from_slice(text)
                .map(Self)
                .map_err(FromSqlError::other),
        }
    }
}

impl From<UnknownNumber> for rusqlite::Error {
    fn from(UnknownNumber(number): UnknownNumber) -> Self {
        Self::IntegralValueOutOfRange(0, number.into())
    }
}
