// Counts what passed and what failed, and says so: one line a step. A story is steps that stand on each other.
export class Tally {
  constructor(write = (line) => process.stdout.write(line + '\n')) {
    this.write = write;
    this.passed = [];
    this.failed = [];
  }

  /** Runs one check; its exception is its failure. Resolves to whether it passed. */
  async check(name, body) {
    const started = Date.now();
    try {
      await body();
      this.passed.push(name);
      this.write(`ok     ${name} (${((Date.now() - started) / 1000).toFixed(1)} s)`);
      return true;
    } catch (error) {
      this.failed.push(name);
      this.write(`FAILED ${name}\n${error.stack ?? error}`);
      return false;
    }
  }

  /** Steps in order; behind one that failed the others cannot be trusted and count as failed too. */
  async story(title, steps) {
    let goesOn = true;
    for (const [name, body] of Object.entries(steps)) {
      const full = `${title}: ${name}`;
      if (goesOn) {
        goesOn = await this.check(full, body);
      } else {
        this.failed.push(full);
        this.write(`FAILED ${full}: a step before it failed`);
      }
    }
  }

  get summary() {
    return `${this.passed.length} passed, ${this.failed.length} failed`;
  }
}
