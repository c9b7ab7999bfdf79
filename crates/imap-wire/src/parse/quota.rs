//! GETQUOTA, GETQUOTAROOT and SETQUOTA.

use crate::command::{Addressing, CommandBody};
use crate::parse::context::{Context, Parsed, expect};
use crate::parse::mailbox::mailbox;
use crate::parse::session::typed_atom;
use crate::parse::strings::{astring, list, number64, sp};
use crate::types::Atom;

/// `getquota = "GETQUOTA" SP quota-root-name` (RFC 9208 §7)
pub(crate) fn get_quota<'a>(context: &Context, _: Addressing, input: &'a [u8]) -> Parsed<'a, CommandBody> {
    quota_root_name(context, input).map(|(rest, root)| (rest, CommandBody::GetQuota(root)))
}

/// `getquotaroot = "GETQUOTAROOT" SP mailbox` (RFC 9208 §7)
pub(crate) fn get_quota_root<'a>(
    context: &Context,
    _: Addressing,
    input: &'a [u8],
) -> Parsed<'a, CommandBody> {
    let (rest, ()) = sp(context, input)?;
    mailbox(context, rest).map(|(rest, mailbox)| (rest, CommandBody::GetQuotaRoot(mailbox)))
}

/// `setquota = "SETQUOTA" SP quota-root-name SP setquota-list`,
/// `setquota-list = "(" [setquota-resource *(SP setquota-resource)] ")"` (RFC 9208 §7)
pub(crate) fn set_quota<'a>(context: &Context, _: Addressing, input: &'a [u8]) -> Parsed<'a, CommandBody> {
    let (rest, root) = quota_root_name(context, input)?;
    let (rest, ()) = sp(context, rest)?;
    let (rest, limits) = list(context, rest, |input| setquota_resource(context, input))?;
    Ok((rest, CommandBody::SetQuota { root, limits }))
}

/// `quota-root-name = astring` (RFC 9208 §7), with the space before it.
fn quota_root_name<'a>(context: &Context, input: &'a [u8]) -> Parsed<'a, Vec<u8>> {
    let (rest, ()) = sp(context, input)?;
    let (rest, root) = expect("a quota root", rest, |input| astring(context, input))?;
    Ok((rest, root.into_owned()))
}

/// `setquota-resource = resource-name SP resource-limit`, `resource-limit = number64` (RFC 9208 §7)
fn setquota_resource<'a>(context: &Context, input: &'a [u8]) -> Parsed<'a, (Atom, u64)> {
    let (rest, name) = typed_atom("a resource", input)?;
    let (rest, ()) = sp(context, rest)?;
    let (rest, limit) = expect("a limit", rest, number64)?;
    Ok((rest, (name, limit)))
}
