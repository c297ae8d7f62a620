//! The two column types that the backends do not share, under one name each, so that a query is written once:
//! an id is a native `uuid` on PostgreSQL and readable text on SQLite, a point in time is `timestamptz` or RFC 3339 text.
//! Values stay plain `Uuid` and `DateTime<Utc>`; only their way into and out of a column is here.

use chrono::{DateTime, NaiveDateTime, SubsecRound, Utc};
use diesel::deserialize::{self, FromSql};
use diesel::expression::AsExpression;
use diesel::internal::derives::as_expression::Bound;
use diesel::pg::{Pg, PgValue};
use diesel::serialize::{self, IsNull, Output, ToSql};
use diesel::sql_types::{Nullable, SqlType, Text, Timestamptz, Uuid as PgUuid};
use diesel::sqlite::{Sqlite, SqliteValue};
use uuid::Uuid;

/// A UUID: `uuid` (16 bytes) on PostgreSQL, 36 characters of text on SQLite. Both sort like the ids themselves.
#[derive(Debug, Clone, Copy, Default, SqlType, diesel::query_builder::QueryId)]
#[diesel(postgres_type(oid = 2950, array_oid = 2951))]
#[diesel(sqlite_type(name = "Text"))]
pub struct Id;

/// A point in time in UTC, to the microsecond: `timestamptz` on PostgreSQL, text of fixed width on SQLite.
#[derive(Debug, Clone, Copy, Default, SqlType, diesel::query_builder::QueryId)]
#[diesel(postgres_type(oid = 1184, array_oid = 1185))]
#[diesel(sqlite_type(name = "Text"))]
pub struct Instant;

/// Fixed width, so that text order is time order.
const SQLITE_INSTANT: &str = "%Y-%m-%dT%H:%M:%S%.6fZ";

/// The present, cut to the milliseconds that the API shows, so that what is stored equals what was answered.
pub fn now() -> DateTime<Utc> {
    Utc::now().trunc_subsecs(3)
}

/// Lets a plain value be bound wherever a column of the SQL type stands.
macro_rules! bind_as {
    ($value:ty, $sql:ty) => {
        bind_as!(@one $value, $sql);
        bind_as!(@one $value, Nullable<$sql>);
        impl ToSql<Nullable<$sql>, Pg> for $value {
            fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Pg>) -> serialize::Result {
                ToSql::<$sql, Pg>::to_sql(self, out)
            }
        }
        impl ToSql<Nullable<$sql>, Sqlite> for $value {
            fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Sqlite>) -> serialize::Result {
                ToSql::<$sql, Sqlite>::to_sql(self, out)
            }
        }
    };
    (@one $value:ty, $sql:ty) => {
        impl AsExpression<$sql> for $value {
            type Expression = Bound<$sql, Self>;
            fn as_expression(self) -> Self::Expression {
                Bound::new(self)
            }
        }
        impl<'a> AsExpression<$sql> for &'a $value {
            type Expression = Bound<$sql, &'a $value>;
            fn as_expression(self) -> Self::Expression {
                Bound::new(self)
            }
        }
    };
}

bind_as!(Uuid, Id);
bind_as!(DateTime<Utc>, Instant);

impl ToSql<Id, Pg> for Uuid {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Pg>) -> serialize::Result {
        ToSql::<PgUuid, Pg>::to_sql(self, out)
    }
}

impl FromSql<Id, Pg> for Uuid {
    fn from_sql(value: PgValue<'_>) -> deserialize::Result<Self> {
        FromSql::<PgUuid, Pg>::from_sql(value)
    }
}

impl ToSql<Id, Sqlite> for Uuid {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Sqlite>) -> serialize::Result {
        out.set_value(self.hyphenated().to_string());
        Ok(IsNull::No)
    }
}

impl FromSql<Id, Sqlite> for Uuid {
    fn from_sql(value: SqliteValue<'_, '_, '_>) -> deserialize::Result<Self> {
        let text = <String as FromSql<Text, Sqlite>>::from_sql(value)?;
        Ok(Uuid::try_parse(&text)?)
    }
}

impl ToSql<Instant, Pg> for DateTime<Utc> {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Pg>) -> serialize::Result {
        ToSql::<Timestamptz, Pg>::to_sql(self, out)
    }
}

impl FromSql<Instant, Pg> for DateTime<Utc> {
    fn from_sql(value: PgValue<'_>) -> deserialize::Result<Self> {
        FromSql::<Timestamptz, Pg>::from_sql(value)
    }
}

impl ToSql<Instant, Sqlite> for DateTime<Utc> {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Sqlite>) -> serialize::Result {
        out.set_value(self.format(SQLITE_INSTANT).to_string());
        Ok(IsNull::No)
    }
}

impl FromSql<Instant, Sqlite> for DateTime<Utc> {
    fn from_sql(value: SqliteValue<'_, '_, '_>) -> deserialize::Result<Self> {
        let text = <String as FromSql<Text, Sqlite>>::from_sql(value)?;
        Ok(NaiveDateTime::parse_from_str(&text, SQLITE_INSTANT)?.and_utc())
    }
}
