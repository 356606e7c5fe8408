// The part of the package sqlite3 that arlocal's query builder asks for, over SQLite as WebAssembly, in memory. For tests alone.
const load = require('sql.js');

class Database {
  constructor(file, mode, done) {
    load().then((SQL) => {
      this.db = new SQL.Database();
      done(null);
    }, done);
  }

  all(sql, values, done) {
    let rows = [];
    try {
      const statement = this.db.prepare(sql);
      statement.bind(values.map((value) => (value === undefined ? null : typeof value === 'boolean' ? Number(value) : value)));
      while (statement.step()) rows.push(statement.getAsObject());
      statement.free();
    } catch (error) {
      return process.nextTick(() => done.call({}, error));
    }
    const [[lastID]] = this.db.exec('SELECT last_insert_rowid()')[0].values;
    const context = { lastID, changes: this.db.getRowsModified() };
    return process.nextTick(() => done.call(context, null, rows));
  }

  run(sql, values, done) {
    return this.all(sql, values, done);
  }

  close(done) {
    this.db.close();
    process.nextTick(() => done(null));
  }
}

module.exports = { Database, OPEN_READWRITE: 2, OPEN_CREATE: 4, OPEN_FULLMUTEX: 0x10000, OPEN_URI: 0x40, verbose: () => module.exports };
