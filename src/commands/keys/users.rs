//! The users of a command: one by either of its ids, or all with matching ids.

use wildmatch::WildMatch;

use crate::error::{Error, Kind};
use crate::looker::{Client, User, UserSearch};
use crate::workflow::{Finder, UserId, UserRef};

/// The user of a command.
#[derive(clap::Args, Clone, Debug)]
pub(crate) struct UserArgs {
    /// Your own id of the user
    #[arg(required_unless_present = "looker_user_id")]
    pub(crate) external_user_id: Option<String>,

    /// Looker's id of the user, instead of yours
    #[arg(long, value_name = "ID", conflicts_with = "external_user_id")]
    pub(crate) looker_user_id: Option<String>,
}

/// The users of a command.
#[derive(clap::Args, Clone, Debug)]
#[command(group = clap::ArgGroup::new("whom").required(true))]
pub(crate) struct UsersArgs {
    /// Your own id of the user
    #[arg(group = "whom")]
    external_user_id: Option<String>,

    /// Looker's id of the user, instead of yours
    #[arg(long, value_name = "ID", group = "whom")]
    looker_user_id: Option<String>,

    /// All embed users that are not disabled
    #[arg(long, group = "whom")]
    all: bool,

    /// With `--all`, only users whose id matches, such as `acme-*`; may be repeated
    #[arg(long = "match", value_name = "PATTERN", requires = "all")]
    patterns: Vec<String>,
}

/// One user, or many.
#[derive(Debug)]
pub(crate) enum Users {
    One(UserId),
    Many(Vec<UserId>),
}

impl Users {
    pub(crate) const fn are_many(&self) -> bool {
        matches!(self, Self::Many(_))
    }

    pub(crate) fn ids(&self) -> &[UserId] {
        match self {
            Self::One(user) => std::slice::from_ref(user),
            Self::Many(users) => users,
        }
    }
}

impl UserArgs {
    pub(crate) fn id(&self) -> Result<UserId, Error> {
        one(
            self.external_user_id.as_deref(),
            self.looker_user_id.as_deref(),
        )
    }
}

impl UsersArgs {
    /// Resolve the users. A single user is not looked up yet.
    pub(crate) async fn resolve(&self, finder: &Finder) -> Result<Users, Error> {
        if self.all {
            // A list that others than an admin get may be too short.
            finder.require_admin().await?;
            let matcher = Matcher::new(&self.patterns);
            // Read to the end before anything is done: changes would shift the pages.
            let users = sweep(finder.admin()).await?;
            let users = users.iter().filter_map(|user| meant(user, &matcher));
            return Ok(Users::Many(users.collect()));
        }
        let (external, looker) = (&self.external_user_id, &self.looker_user_id);
        Ok(Users::One(one(external.as_deref(), looker.as_deref())?))
    }
}

/// The user as Looker shows it, who must exist.
pub(crate) async fn existing(finder: &Finder, user: UserRef<'_>) -> Result<User, Error> {
    let found = finder.find(user).await?;
    found.ok_or_else(|| {
        Error::new(Kind::NotFound, format!("there is no {user}"))
            .hint("`embedctl users list` shows the embed users there are")
    })
}

fn one(external: Option<&str>, looker: Option<&str>) -> Result<UserId, Error> {
    let id = external.or(looker).unwrap_or_default();
    if id.trim().is_empty() {
        return Err(Error::usage("the id of the user is empty")
            .hint("give your own id of the user, or `--looker-user-id`"));
    }
    Ok(match external {
        Some(_) => UserId::External(id.to_owned()),
        None => UserId::Looker(id.to_owned()),
    })
}

/// Selects users by their ids; without a pattern, all.
#[derive(Debug, Default)]
pub(crate) struct Matcher(Vec<WildMatch>);

impl Matcher {
    /// Those whose id matches one of `patterns`.
    pub(crate) fn new(patterns: &[String]) -> Self {
        let patterns = patterns.iter().map(|pattern| WildMatch::new(pattern));
        Self(patterns.collect())
    }

    /// Whether the user with this id is selected.
    pub(crate) fn admits(&self, external_user_id: &str) -> bool {
        let Self(patterns) = self;
        // Without a pattern everyone is selected, as without the flag.
        let mut matching = patterns.iter().filter(|it| it.matches(external_user_id));
        patterns.is_empty() || matching.next().is_some()
    }
}

/// Read all embed users with their keys: Looker has no search by `external_user_id`.
pub(crate) async fn sweep(admin: &Client) -> Result<Vec<User>, Error> {
    let mut users = Vec::new();
    let mut pages = admin.users(UserSearch {
        embed_user: Some(true),
        // Only what is compared, since an instance may have 100,000 users.
        fields: Some("id,is_disabled,credentials_embed,credentials_api3".to_owned()),
        ..UserSearch::default()
    });
    while let Some(page) = pages.next().await? {
        users.extend(page);
    }
    Ok(users)
}

fn meant(user: &User, matcher: &Matcher) -> Option<UserId> {
    let external = user.external_user_id()?;
    // A disabled user cannot use a key, so `--all` mints none for it.
    (matcher.admits(external) && !user.is_disabled).then(|| UserId::Known {
        external: external.to_owned(),
        looker: user.id.clone(),
    })
}
