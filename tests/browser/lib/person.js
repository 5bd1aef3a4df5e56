// A person at a window of one size: opens pages, follows links, fills in fields by their labels, presses
// buttons. Every page that comes up is looked at (look.js) and noted in the visitors' book.
import { kPatience, kSizes } from './chromium.js';
import { inaccessible, tooWide } from './look.js';

export class Person {
  /** `scene`: {browser, node, book, album}. Everybody has cookies of their own. */
  static async arrive(scene, size) {
    const person = new Person();
    Object.assign(person, { scene, size, complaints: [] });
    person.context = await scene.browser.newContext(kSizes[size]);
    person.context.setDefaultTimeout(kPatience);
    person.page = await person.context.newPage();
    person.page.on('console', (message) => {
      // The status of an answer is checked where it is expected; everything else is a fault of the page.
      if (message.type() === 'error' && !message.text().startsWith('Failed to load resource')) {
        person.complaints.push(`console: ${message.text()}`);
      }
    });
    person.page.on('pageerror', (error) => person.complaints.push(`script: ${error}`));
    person.page.on('response', (response) => {
      const { origin, pathname } = new URL(response.url());
      if (origin === scene.node.origin) {
        scene.book.note(size, response.request().method(), pathname, response.status());
      }
    });
    return person;
  }

  async leave() {
    await this.context.close();
  }

  /** Types an address. */
  async open(path, status = 200) {
    return this.#shown(await this.page.goto(this.scene.node.origin + path), status);
  }

  /** Clicks a link. */
  async follow(name, status = 200) {
    const link = this.page.getByRole('link', { name, exact: typeof name === 'string' }).first();
    await this.#shown(await this.#navigated(() => link.click()), status);
  }

  /** Fills in fields ({label: value}) of the form that has this button, and presses it: twice in a hurry if so told. */
  async send(button, fields = {}, status = 200, hurry = false) {
    const form = this.page.locator('form').filter({
      has: this.page.getByRole('button', { name: button, exact: true }) }).first();
    for (const [label, value] of Object.entries(fields)) {
      await this.#fillIn(form.getByLabel(label, { exact: true }), value);
    }
    const target = form.getByRole('button', { name: button, exact: true });
    await this.#shown(await this.#navigated(() => (hurry ? target.dblclick() : target.click())), status);
  }

  /** Picks an answer of a question by its words. */
  async choose(question, answer) {
    const group = this.page.getByRole('group', { name: question, exact: true });
    await group.getByText(answer, { exact: true }).click();
    if (!await group.getByLabel(answer, { exact: true }).isChecked()) {
      throw new Error(`a click on "${answer}" of "${question}" did not choose it`);
    }
  }

  async back(status = 200) {
    await this.#shown(await this.page.goBack(), status);
  }

  async reload(status = 200) {
    await this.#shown(await this.page.reload(), status);
  }

  /** The page must say this. */
  async reads(words) {
    await this.page.getByText(words).first().waitFor();
  }

  /** The words of every element that matches. */
  async wordsOf(selector) {
    return this.page.locator(selector).allInnerTexts();
  }

  async look() {
    const found = [...await inaccessible(this.page), ...await tooWide(this.page),
      ...this.complaints.splice(0)];
    await this.scene.album.keep(this.page, this.size);
    if (found.length > 0) {
      throw new Error(`${this.page.url()} at ${this.size} size:\n  ${found.join('\n  ')}`);
    }
  }

  async #fillIn(field, value) {
    const kind = await field.evaluate((one) => one.type);
    if (kind === 'select-one') {
      await field.selectOption(value);
    } else if (kind === 'date' || value.length > 80) {
      await field.fill(value); // picked from a calendar, or pasted
    } else {
      await field.click();
      await field.fill('');
      await field.pressSequentially(value);
    }
  }

  async #navigated(act) {
    const arrival = this.page.waitForNavigation({ waitUntil: 'load' });
    await Promise.all([arrival, act()]);
    return arrival;
  }

  async #shown(response, status) {
    if (response?.status() !== status) {
      const words = await this.page.locator('main').innerText().catch(() => 'no page of ours');
      throw new Error(`${this.page.url()} answered ${response?.status()}, not ${status}: ${words.slice(0, 400)}`);
    }
    await this.look();
  }
}
