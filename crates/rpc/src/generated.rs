//! What `build.rs` made of `proto/facteur`. Nothing of it leaves this crate.

macro_rules! package {
    ($name:ident, $file:literal) => {
        pub(crate) mod $name {
            #![allow(
                clippy::all,
                clippy::too_many_lines,
                clippy::allow_attributes_without_reason,
                missing_docs,
                unreachable_pub,
                reason = "generated"
            )]
            include!(concat!(env!("OUT_DIR"), "/", $file, ".rs"));
        }
    };
}

package!(admin, "facteur.admin.v1");
package!(node, "facteur.node.v1");
package!(raft, "facteur.raft.v1");
