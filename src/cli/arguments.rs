//! What can be typed: commands, flags and their help. Nothing is done here.

use clap::{Args, Parser, Subcommand, ValueEnum};
use std::path::PathBuf;

/// Takes orders over HTTP, keeps them in SQLite or PostgreSQL, and shows what it is doing.
#[derive(Debug, Parser)]
#[command(
    name = "glasshouse",
    version,
    after_help = "Without a command it serves.\n\
        \n\
        Examples:\n  \
          glasshouse                                   serve on SQLite, in ./glasshouse.db\n  \
          glasshouse --port 8081 --log-filter debug    the same elsewhere, and talkative\n  \
          DATABASE_URL=postgres://… glasshouse migrate the job before a deployment\n  \
          glasshouse config reference                  every setting, with its documentation\n\
        \n\
        Exit codes: 0 success, 1 failure at run time, 2 wrong usage or bad configuration, \
        3 migrations are pending."
)]
pub(super) struct Arguments {
    #[command(flatten)]
    pub(super) global: GlobalArguments,
    #[command(subcommand)]
    pub(super) command: Option<Command>,
}

/// Flags that every command understands: where the settings come from, and the most used ones.
#[derive(Debug, Default, Args)]
#[command(next_help_heading = "Settings")]
pub(super) struct GlobalArguments {
    /// Settings file (TOML); else GLASSHOUSE_CONFIG, else glasshouse.toml when it is there
    #[arg(long, global = true, value_name = "FILE")]
    pub(super) config: Option<PathBuf>,
    /// Address of the public listener [server.host]
    #[arg(long, global = true, value_name = "ADDRESS")]
    pub(super) host: Option<String>,
    /// Port of the public listener, 0 for any free one [server.port]
    #[arg(long, global = true, value_name = "PORT")]
    pub(super) port: Option<u16>,
    /// sqlite://FILE or postgres://…; other users of the machine can read a command line, so a
    /// URL with a password belongs into DATABASE_URL [database.url]
    #[arg(long, global = true, value_name = "URL")]
    pub(super) database_url: Option<String>,
    /// What is logged, such as info,glasshouse::orders=debug [log.filter]
    #[arg(long, global = true, value_name = "FILTER")]
    pub(super) log_filter: Option<String>,
    /// Form of the log lines [log.format]
    #[arg(long, global = true, value_name = "FORMAT")]
    pub(super) log_format: Option<LogFormatArgument>,
}

/// The forms of a log line.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(super) enum LogFormatArgument {
    /// JSON unless standard output is a terminal
    Auto,
    /// One JSON object a line
    Json,
    /// For people
    Pretty,
}

impl LogFormatArgument {
    /// The value of the setting.
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Json => "json",
            Self::Pretty => "pretty",
        }
    }
}

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Migrate (unless told not to) and serve until SIGTERM or SIGINT; the default
    Serve,
    /// Bring the database's schema up to date, or see how far it is
    Migrate(MigrateArguments),
    /// Fill the catalog and make accounts, for load tests; may be repeated
    Seed(SeedArguments),
    /// Make accounts
    Account(AccountArguments),
    /// Check and show settings
    Config(ConfigArguments),
    /// Ask a running instance whether it is ready: exit code 0, or 1 and why not
    Healthcheck(HealthcheckArguments),
    /// Print the OpenAPI document
    Openapi,
}

#[derive(Debug, Args)]
#[command(
    after_help = "Replicas and jobs may run this at the same time: one migrates, the rest \
    wait for it.\n\
    \n\
    Examples:\n  \
      glasshouse migrate                   apply what is pending\n  \
      glasshouse migrate status            list; exit code 3 when some are pending\n  \
      glasshouse migrate revert --steps 1  undo the newest one"
)]
pub(super) struct MigrateArguments {
    #[command(subcommand)]
    pub(super) action: Option<MigrateAction>,
}

#[derive(Debug, Clone, Copy, Subcommand)]
pub(super) enum MigrateAction {
    /// List the applied and the pending ones; exit code 3 when some are pending
    Status,
    /// Apply what is pending; the default
    Run,
    /// Undo the newest ones. Data in what they made is lost
    Revert {
        /// How many
        #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
        steps: u32,
    },
}

#[derive(Debug, Args)]
#[command(
    after_help = "The same numbers give the same catalog (SKU, name, type, price; a stock of \
    1,000,000 each) whichever the database; only ids differ. What is there already is left as it \
    is. The accounts load-1@example.com, load-2@… share one password, read from standard input, \
    and its one hash: good for load tests, and for nothing else.\n\
    \n\
    Examples:\n  \
      glasshouse seed --products 1000\n  \
      echo \"$PASSWORD\" | glasshouse seed --products 1000 --accounts 100"
)]
pub(super) struct SeedArguments {
    /// How many products the catalog has in the end
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(..=1_000_000))]
    pub(super) products: u32,
    /// How many accounts there are in the end
    #[arg(long, value_name = "M", default_value_t = 0, value_parser = clap::value_parser!(u32).range(..=1_000_000))]
    pub(super) accounts: u32,
}

#[derive(Debug, Args)]
pub(super) struct AccountArguments {
    #[command(subcommand)]
    pub(super) action: AccountAction,
}

#[derive(Debug, Subcommand)]
pub(super) enum AccountAction {
    /// Make an account; the only way to the first operator
    #[command(
        after_help = "The password is read from standard input (one line), or asked for \
        twice without showing it when that is a terminal.\n\
        \n\
        Examples:\n  \
          glasshouse account create --email ops@example.com --role operator\n  \
          glasshouse account create --email ops@example.com --role operator < password.txt"
    )]
    Create {
        /// Its e-mail address, which is its name to log in
        #[arg(long, value_name = "EMAIL")]
        email: String,
        /// What it may do
        #[arg(long, value_name = "ROLE")]
        role: RoleArgument,
        /// How it is called; else the part of the address before the @
        #[arg(long, value_name = "NAME")]
        display_name: Option<String>,
    },
}

/// The roles of an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum RoleArgument {
    /// Places orders
    Customer,
    /// Keeps the catalog, moves orders on, registers webhooks
    Operator,
}

#[derive(Debug, Args)]
pub(super) struct ConfigArguments {
    #[command(subcommand)]
    pub(super) action: ConfigAction,
}

#[derive(Debug, Clone, Copy, Subcommand)]
pub(super) enum ConfigAction {
    /// Check all settings, name every fault, open nothing; exit code 0 or 2
    Check,
    /// Show the values in effect and where each comes from, secrets masked
    Show,
    /// Print every setting with its documentation and default, as a TOML file
    Reference,
}

#[derive(Debug, Args)]
#[command(
    after_help = "Without --url the settings say where the instance is: the public \
    listener, or, when that speaks TLS, the admin listener. It answers within 2 s or counts as \
    not ready.\n\
    \n\
    Examples:\n  \
      glasshouse healthcheck\n  \
      glasshouse healthcheck --url http://127.0.0.1:9464/health/ready"
)]
pub(super) struct HealthcheckArguments {
    /// What to ask instead of the instance that the settings describe; http only
    #[arg(long, value_name = "URL")]
    pub(super) url: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::{Arguments, Command, MigrateAction};
    use clap::{CommandFactory as _, Parser as _};

    #[test]
    fn the_definitions_do_not_contradict_each_other() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn nothing_means_serve_and_flags_may_stand_on_either_side_of_a_command() {
        let bare = Arguments::try_parse_from(["glasshouse"]).unwrap();
        assert!(bare.command.is_none());
        for line in [
            ["glasshouse", "--port=1", "serve"],
            ["glasshouse", "serve", "--port=1"],
        ] {
            let parsed = Arguments::try_parse_from(line).unwrap();
            assert!(matches!(parsed.command, Some(Command::Serve)));
            assert_eq!(parsed.global.port, Some(1));
        }
    }

    #[test]
    fn migrate_without_an_action_is_left_open_and_revert_wants_a_number() {
        let parsed = Arguments::try_parse_from(["glasshouse", "migrate", "revert", "--steps", "2"]);
        let Some(Command::Migrate(arguments)) = parsed.unwrap().command else {
            panic!("another command");
        };
        assert!(matches!(
            arguments.action,
            Some(MigrateAction::Revert { steps: 2 })
        ));
        let refused = [
            &["glasshouse", "migrate", "revert"][..],
            &["glasshouse", "migrate", "revert", "--steps", "0"],
            &[
                "glasshouse",
                "account",
                "create",
                "--email",
                "a@example.com",
            ],
            &["glasshouse", "account", "create", "--password", "x"],
            &["glasshouse", "launch"],
        ];
        for line in refused {
            let error = Arguments::try_parse_from(line).unwrap_err();
            assert_eq!(error.exit_code(), 2, "{line:?}");
        }
    }
}
