//! The representation of values in the tables.

use jiff::Timestamp;
use rusqlite::types::{FromSql, FromSqlError, FromSqlResult, ToSql, ToSqlOutput, ValueRef};
use serde_json::Value;

use crate::ledger::{JobState, KeyState, What};

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

/// A state as its number in the tables, which never changes.
pub(super) trait Numbered: Copy + PartialEq + Sized + 'static {
    /// All states, in the order of their numbers.
    const ALL: &'static [Self];

    /// Its number.
    fn number(self) -> i64 {
        let place = Self::ALL.iter().position(|state| *state == self);
        let place = place.expect("every state is in its table");
        i64::try_from(place).expect("there are few states")
    }

    /// The state with this number.
    fn of(number: i64) -> rusqlite::Result<Self> {
        let place = usize::try_from(number).ok();
        let state = place.and_then(|place| Self::ALL.get(place));
        state
            .copied()
            .ok_or(rusqlite::Error::IntegralValueOutOfRange(0, number))
    }
}

impl Numbered for JobState {
    const ALL: &'static [Self] = &[Self::Open, Self::Done, Self::Failed, Self::Undone];
}

impl Numbered for KeyState {
    const ALL: &'static [Self] = &[Self::Minted, Self::Delivered, Self::Revoked];
}

impl Numbered for What {
    const ALL: &'static [Self] = &[
        Self::Started,
        Self::Done,
        Self::Failed,
        Self::UndoStarted,
        Self::Undone,
    ];
}
