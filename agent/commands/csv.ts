/** Rows as CSV (RFC 4180): what holds a comma, quote or line break is quoted, and what a spreadsheet would take for a formula is made text. */
export function toCsv(rows: readonly (readonly string[])[]): string {
  return rows.map((row) => `${row.map(cell).join(',')}\r\n`).join('');
}

function cell(text: string): string {
  // A camera or a person may be called "=1+1": spreadsheets would run it.
  const safe = /^[=+\-@\t\r]/.test(text) && text !== '-' ? `'${text}` : text;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}
