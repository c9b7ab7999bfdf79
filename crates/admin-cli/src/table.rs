//! Answers for people.

use std::io::{self, Write};

use comfy_table::{CellAlignment, ColumnConstraint, Table, Width, presets};

/// Rows that are aligned with each other.
const PAGE_ROWS: usize = 500;

/// How a column is aligned.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Align {
    /// Words.
    Left,
    /// Numbers and sizes.
    Right,
}

/// The title of a column and how it is aligned.
pub(crate) type Column = (&'static str, Align);

/// Writes a table page by page, so that one of any length takes little memory. Columns get no narrower
/// from page to page.
pub(crate) struct TableWriter<'a, const N: usize> {
    output: &'a mut dyn Write,
    columns: [Column; N],
    widths: [u16; N],
    rows: Vec<[String; N]>,
    pages: usize,
}

impl<'a, const N: usize> TableWriter<'a, N> {
    pub(crate) fn begin(output: &'a mut dyn Write, columns: [Column; N]) -> Self {
        Self {
            output,
            columns,
            widths: [0; N],
            rows: Vec::new(),
            pages: 0,
        }
    }

    pub(crate) fn push(&mut self, row: [String; N]) -> io::Result<()> {
        self.rows.push(row);
        if self.rows.len() >= PAGE_ROWS {
            self.write_page()?;
        }
        Ok(())
    }

    /// Writes what is left; a table without rows is its header.
    pub(crate) fn finish(mut self) -> io::Result<()> {
        if self.rows.is_empty() && self.pages > 0 {
            return Ok(());
        }
        self.write_page()
    }

    fn write_page(&mut self) -> io::Result<()> {
        let mut table = plain();
        if self.pages == 0 {
            table.set_header(self.columns.map(|(title, _)| title));
        }
        table.add_rows(std::mem::take(&mut self.rows));
        for ((column, width), (_, align)) in table.column_iter_mut().zip(self.widths).zip(self.columns) {
            column.set_constraint(ColumnConstraint::LowerBoundary(Width::Fixed(width)));
            column.set_padding((0, 2));
            column.set_cell_alignment(match align {
                Align::Left => CellAlignment::Left,
                Align::Right => CellAlignment::Right,
            });
        }
        for (width, used) in self.widths.iter_mut().zip(table.column_max_content_widths()) {
            *width = (*width).max(used.saturating_add(2));
        }
        self.pages += 1;
        writeln!(self.output, "{}", table.trim_fmt())
    }
}

/// Writes names and values, a line each.
pub(crate) fn write_fields(output: &mut dyn Write, fields: &[(&str, String)]) -> io::Result<()> {
    let mut table = plain();
    for (name, value) in fields {
        table.add_row([*name, value.as_str()]);
    }
    for column in table.column_iter_mut() {
        column.set_padding((0, 2));
    }
    writeln!(output, "{}", table.trim_fmt())
}

fn plain() -> Table {
    let mut table = Table::new();
    table.load_preset(presets::NOTHING);
    table
}
