//! Compares the desired fields of a user with the present ones, one by one.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::plan::desired::Desired;
use crate::plan::field::{Difference, Field};
use crate::plan::known_grants::KnownGrants;
use crate::plan::observed_user::ObservedUser;
use crate::plan::row::Rules;
use crate::signed_url::Grants;
use crate::workflow::{AttributeEdit, UserEdits};

/// How a user differs from the desired state, and what the API can do about it.
pub(super) struct Comparison {
    /// The named fields with their new values.
    pub(super) wanted: Grants,
    pub(super) differences: Vec<Difference>,
    /// The changes that need no login.
    pub(super) edits: UserEdits,
}

impl Comparison {
    pub(super) fn of(
        desired: &Desired,
        seen: &ObservedUser,
        known: &KnownGrants,
        rules: &Rules,
    ) -> Self {
        let mut this = Self {
            wanted: desired.grants.clone(),
            differences: Vec::new(),
            edits: UserEdits::default(),
        };
        // Before the comparison, so that a merged list that adds nothing is no difference.
        if rules.merge {
            this.merge(&known.grants);
        }
        let (wanted, is) = (this.wanted.clone(), &known.grants);
        this.list(
            Field::Permissions,
            wanted.permissions.as_ref(),
            is.permissions.as_ref(),
        );
        this.list(Field::Models, wanted.models.as_ref(), is.models.as_ref());
        this.groups(wanted.group_ids.as_ref(), is.group_ids.as_ref());
        let group = seen.external_group_id.as_ref();
        this.text(
            Field::ExternalGroupId,
            wanted.external_group_id.as_ref(),
            group,
        );
        if let Some(zone) = &is.user_timezone {
            this.text(
                Field::UserTimezone,
                wanted.user_timezone.as_ref(),
                Some(zone),
            );
        }
        if this.text(
            Field::FirstName,
            wanted.first_name.as_ref(),
            seen.first_name
                .as_ref()
                .filter(|is| !stands_for_none(is, wanted.first_name.as_deref())),
        ) {
            this.edits.first_name = wanted.first_name;
        }
        if this.text(
            Field::LastName,
            wanted.last_name.as_ref(),
            seen.last_name
                .as_ref()
                .filter(|is| !stands_for_none(is, wanted.last_name.as_deref())),
        ) {
            this.edits.last_name = wanted.last_name;
        }
        // Only named attributes: the manifest makes no statement about the others.
        for (name, value) in &wanted.user_attributes {
            this.attribute(name, value, known, rules);
        }
        this
    }

    /// Leave out what cannot be changed while the user is disabled: it cannot log in, and Looker shows none of its groups.
    pub(super) fn leave_out_grants(&mut self) {
        let waits = |field: &Field| field.takes_login() || *field == Field::GroupIds;
        self.differences.retain(|it| !waits(&it.field));
        self.edits.join.clear();
        self.edits.leave.clear();
    }

    /// Add to the present lists instead of replacing them.
    fn merge(&mut self, is: &Grants) {
        let wanted = &mut self.wanted;
        for (wanted, is) in [
            (&mut wanted.permissions, &is.permissions),
            (&mut wanted.models, &is.models),
            (&mut wanted.group_ids, &is.group_ids),
        ] {
            if let Some(wanted) = wanted {
                let mut all = is.clone().unwrap_or_default();
                wanted.retain(|item| !all.contains(item));
                all.append(wanted);
                *wanted = all;
            }
        }
    }

    /// Whether a list was named that is a different set. The order means nothing to Looker.
    fn list(
        &mut self,
        field: Field,
        wanted: Option<&Vec<String>>,
        is: Option<&Vec<String>>,
    ) -> bool {
        let (Some(wanted), Some(is)) = (wanted, is) else {
            return false;
        };
        let set = |list: &[String]| list.iter().cloned().collect::<BTreeSet<_>>();
        let differs = set(wanted) != set(is);
        if differs {
            self.differs(field, json!(is), json!(wanted));
        }
        differs
    }

    /// Groups are joined and left through the API, unless a login is needed, which names them all.
    fn groups(&mut self, wanted: Option<&Vec<String>>, is: Option<&Vec<String>>) {
        if !self.list(Field::GroupIds, wanted, is) {
            return;
        }
        let set = |list: Option<&Vec<String>>| -> BTreeSet<String> {
            list.into_iter().flatten().cloned().collect()
        };
        let (wanted, is) = (set(wanted), set(is));
        self.edits.join = wanted.difference(&is).cloned().collect();
        self.edits.leave = is.difference(&wanted).cloned().collect();
    }

    /// Whether a text was named that is another one; an empty one is none.
    fn text(&mut self, field: Field, wanted: Option<&String>, is: Option<&String>) -> bool {
        let is = is.filter(|is| !is.is_empty());
        let Some(wanted) = wanted else {
            return false;
        };
        let wanted = Some(wanted).filter(|wanted| !wanted.is_empty());
        if is != wanted {
            self.differs(field, json!(is), json!(wanted));
        }
        is != wanted
    }

    fn attribute(&mut self, name: &str, value: &str, known: &KnownGrants, rules: &Rules) {
        let hidden = known.hidden.contains(name);
        // A value that is neither known nor hidden was not read, because nothing asked for it.
        let is = known.grants.user_attributes.get(name);
        if is.is_none() && !hidden && !known.complete {
            return;
        }
        let is = is.filter(|is| !is.is_empty());
        let wanted = Some(value).filter(|value| !value.is_empty());
        // A hidden value may be equal, but it is written anyway: it cannot be read to find out.
        if is.map(String::as_str) == wanted && !hidden {
            return;
        }
        self.differs(Field::Attribute(name.to_owned()), json!(is), json!(wanted));
        // An unknown attribute cannot be set; the manifest was refused if Looker could be asked.
        if let Some(attribute) = rules.attributes.get(name) {
            self.edits.attributes.push(AttributeEdit {
                id: attribute.id.clone(),
                name: name.to_owned(),
                value: wanted.map(str::to_owned),
            });
        }
    }

    fn differs(&mut self, field: Field, from: Value, to: Value) {
        self.differences.push(Difference { field, from, to });
    }
}

/// Whether a name is one that Looker gives to a user without a name, and none is wanted.
fn stands_for_none(is: &str, wanted: Option<&str>) -> bool {
    // belief: nameless-is-embed-user
    matches!(is, "Embed" | "User") && wanted == Some("")
}
