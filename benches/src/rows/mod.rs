//! The rows of the table: what each measures, and the loop around its runs.

mod idle;
mod mailbox;
mod rates;
mod runs;
mod table;

use std::io::Write as _;

use anyhow::Context;

use crate::arguments::Arguments;
use crate::report::{Report, load_average};
use crate::statistics::Summary;
use crate::target::Target;

pub use runs::Runs;
pub use table::{Kind, Row};

/// Measures all rows that the command line names.
pub async fn run(arguments: Arguments) -> anyhow::Result<Report> {
    let (label, rows) = (arguments.label.clone(), arguments.rows.clone());
    let target = Target::new(arguments)?;
    let load_before = load_average();
    let mut figures = Vec::new();
    for row in rows {
        let description = row.description()?;
        let name = format!("{}:{}", description.name, row.number);
        let mut runs = Runs::new(&target);
        measure(row, &mut runs)
            .await
            .with_context(|| format!("row {name}"))?;
        let figure = runs.figure(name, description.unit)?;
        let Summary { median, min, max } = figure.summary;
        // Long tables tell how far they are; the report itself goes to standard output.
        writeln!(
            std::io::stderr(),
            "{}: {median:.3} ({min:.3} to {max:.3}) {}",
            figure.row,
            description.unit_name()
        )?;
        figures.push(figure);
    }
    Ok(Report {
        label,
        load_before,
        load_after: load_average(),
        figures,
    })
}

async fn measure(row: Row, runs: &mut Runs<'_>) -> anyhow::Result<()> {
    let count = row.number;
    match row.kind {
        Kind::Login => rates::login(runs, count).await,
        Kind::Append => rates::append(runs, count, rates::Mailboxes::Own).await,
        Kind::AppendShared => rates::append(runs, count, rates::Mailboxes::Shared).await,
        Kind::Deliver => rates::deliver(runs, count).await,
        Kind::Fill => mailbox::fill(runs, count).await,
        Kind::FetchFlags => mailbox::fetch(runs, count, "(FLAGS)").await,
        Kind::FetchListFirst => mailbox::list_first(runs, count).await,
        Kind::FetchList => mailbox::fetch(runs, count, mailbox::LIST_ITEMS).await,
        Kind::FetchBodies => mailbox::fetch(runs, count, "(BODY.PEEK[])").await,
        Kind::Store => mailbox::store(runs, count, mailbox::Answers::Untagged).await,
        Kind::StoreSilent => mailbox::store(runs, count, mailbox::Answers::Silent).await,
        Kind::Copy => mailbox::copy(runs, count).await,
        Kind::Move => mailbox::move_all(runs, count).await,
        Kind::SearchFrom => mailbox::search_from(runs, count).await,
        Kind::SearchText => mailbox::search_text(runs, count).await,
        Kind::SelectFirst => mailbox::select_first(runs, count).await,
        Kind::Select => mailbox::select(runs, count).await,
        Kind::Idle => idle::memory(runs, count).await,
        Kind::FanOut => idle::fan_out(runs, count).await,
    }
}
