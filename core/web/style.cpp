#include "web/pages.h"

namespace firedrill::web::pages {

namespace {

constexpr std::string_view kStyle = R"css(:root {
  --ink: #14202b; --soft: #4a5a68; --paper: #ffffff; --ground: #f3f6f8; --line: #8a99a6;
  --act: #0b5d7a; --act-dark: #08465c; --wrong: #b3261e; --focus: #ffbf47;
  color-scheme: light;
}
* { box-sizing: border-box; }
html { font: 100%/1.55 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif; }
body { margin: 0; color: var(--ink); background: var(--ground); }
header, footer, main { max-width: 44rem; margin: 0 auto; padding: 1rem; }
header { display: flex; flex-wrap: wrap; gap: .5rem 1rem; align-items: center; }
header { justify-content: space-between; }
header .home { font-weight: 700; color: var(--ink); text-decoration: none; padding: .35rem 0; }
main { background: var(--paper); border-radius: .5rem; padding: 1.25rem 1rem 2rem; }
footer { color: var(--soft); font-size: .9rem; }
h1 { font-size: 1.7rem; line-height: 1.25; margin: .25rem 0 1rem; }
h2 { font-size: 1.2rem; margin: 0 0 .5rem; }
a { color: var(--act); text-underline-offset: .15em; }
a:hover { color: var(--act-dark); text-decoration-thickness: .15em; }
:focus-visible { outline: 3px solid var(--focus); outline-offset: 2px; box-shadow: 0 0 0 5px var(--ink); }
.skip { position: absolute; left: -100rem; }
.skip:focus { left: 1rem; top: .5rem; background: var(--paper); padding: .5rem; }
.choices { list-style: none; padding: 0; }
.choices li { border: 1px solid var(--line); border-radius: .5rem; padding: .75rem 1rem; margin: .75rem 0; }
.choices a { display: inline-block; font-size: 1.1rem; font-weight: 600; padding: .25rem 0; }
.hint, .optional { color: var(--soft); }
.hint { margin: .25rem 0; }
.optional { font-weight: 400; }
fieldset { border: 0; margin: 0 0 1.5rem; padding: 0; min-width: 0; }
fieldset.group { border-top: 2px solid var(--line); padding-top: .5rem; margin-top: 2rem; }
fieldset.group > legend { font-size: 1.3rem; font-weight: 700; padding-right: .75rem; }
legend, label { font-weight: 600; }
.field { margin: 0 0 1.5rem; }
.field label { display: block; margin-bottom: .25rem; }
.option { display: flex; align-items: flex-start; gap: .6rem; padding: .3rem 0; min-height: 2.75rem; }
.option input { width: 1.5rem; height: 1.5rem; margin: .3rem 0 0; flex: none; accent-color: var(--act); }
.option label { font-weight: 400; padding: .3rem 0; flex: 1; }
input[type=text], input[type=password], input[type=date], textarea {
  width: 100%; font: inherit; color: inherit; background: var(--paper);
  border: 2px solid var(--line); border-radius: .35rem; padding: .55rem .6rem; min-height: 2.75rem;
}
input[type=date] { max-width: 14rem; }
button {
  font: inherit; font-weight: 600; color: #fff; background: var(--act); border: 2px solid var(--act);
  border-radius: .35rem; padding: .65rem 1.4rem; min-height: 2.75rem; cursor: pointer;
}
button:hover { background: var(--act-dark); border-color: var(--act-dark); }
button.quiet { color: var(--act); background: transparent; padding: .35rem .9rem; }
button.quiet:hover { color: #fff; background: var(--act-dark); }
.qr { display: block; width: 16rem; max-width: 100%; height: auto; }
.spare-codes { columns: 2; font-size: 1.1rem; line-height: 2; }
.sign-out { display: flex; flex-wrap: wrap; gap: .75rem; align-items: center; }
.problems { border: 3px solid var(--wrong); border-radius: .35rem; padding: 1rem; margin: 0 0 1.5rem; }
.problems ul { margin: 0; padding-left: 1.2rem; }
.problems a, .error { color: var(--wrong); font-weight: 600; }
.error { margin: .25rem 0; }
.wrong { border-left: 4px solid var(--wrong); padding-left: .9rem; }
.wrong input, .wrong textarea { border-color: var(--wrong); }
table { width: 100%; border-collapse: collapse; }
caption { text-align: left; color: var(--soft); padding: .25rem 0; }
th, td { text-align: left; padding: .6rem .5rem .6rem 0; vertical-align: top; }
th, td { border-bottom: 1px solid #cfd8de; }
dt { font-weight: 600; margin-top: 1rem; }
dt.section { font-size: 1.2rem; margin-top: 1.75rem; border-bottom: 2px solid var(--line); }
dd { margin: .15rem 0 0; white-space: pre-wrap; overflow-wrap: anywhere; }
code { font-family: ui-monospace, Consolas, monospace; overflow-wrap: anywhere; }
.notice, .warning { border: 2px solid var(--line); border-radius: .35rem; padding: .75rem 1rem; }
.warning { border-color: var(--wrong); }
.code { font-size: 1.15rem; border: 2px solid var(--ink); border-radius: .35rem; padding: .75rem 1rem; }
.code code { white-space: pre-wrap; }
.sheet { border-top: 2px solid var(--line); margin-top: 1.5rem; padding-top: 1rem; }
@media (min-width: 40rem) { main { padding: 2rem; } h1 { font-size: 2rem; } }
@media (prefers-contrast: more) { :root { --line: #333; --soft: #222; } }
@media print {
  body, main { background: none; padding: 0; }
  header, footer, .skip, .no-print, button { display: none; }
  main { max-width: none; }
  dt { break-after: avoid; }
  .sheet { border-top: 0; margin-top: 0; break-after: page; break-inside: avoid; }
  .sheet:last-child { break-after: auto; }
}
)css";

}  // namespace

std::string_view style() {
    return kStyle;
}

}  // namespace firedrill::web::pages
