// One errand, the same in both browsers: a form opened and sent, and a sign-in. `hands`: {open, choose, type, press}.
export async function runErrand(hands, origin, practice, password) {
  const wanted = async (status, promised) => {
    const came = await promised;
    if (came !== status) {
      throw new Error(`the errand was answered ${came}, not ${status}`);
    }
  };
  await wanted(200, hands.open(`${origin}/p/${practice}/forms/phq-9`));
  for (let question = 1; question <= 9; ++question) {
    await hands.choose(`label[for="f:q${question}:0"]`);
  }
  await wanted(200, hands.press('main button'));
  await wanted(200, hands.open(`${origin}/sign-in?practice=${practice}`));
  await hands.type('#login', 'owner');
  await hands.type('#password', password);
  await wanted(200, hands.press('main button'));
}

export function chromiumHands(page) {
  const arrive = async (act) => {
    const arrival = page.waitForNavigation({ waitUntil: 'load' });
    const [response] = await Promise.all([arrival, act()]);
    return response.status();
  };
  return {
    open: async (url) => (await page.goto(url)).status(),
    choose: (selector) => page.click(selector),
    type: (selector, text) => page.locator(selector).pressSequentially(text),
    press: (selector) => arrive(() => page.click(selector)),
  };
}

export function firefoxHands(firefox) {
  return {
    open: (url) => firefox.open(url),
    choose: (selector) => firefox.click(selector),
    type: (selector, text) => firefox.type(selector, text),
    press: (selector) => firefox.press(selector),
  };
}
