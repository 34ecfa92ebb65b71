
// Comfort only: without it the page says the same.
'use strict';
(() => {
  const announce = text => { document.getElementById('announcements').textContent = text; };

  // The clipboard's own interface is missing where the browser takes a local file for unsafe.
  const copy = async (text, holder) => {
    try {
      await navigator.clipboard.writeText(text);
      return true;
    } catch {
      const range = document.createRange();
      range.selectNodeContents(holder);
      const selection = getSelection();
      selection.removeAllRanges();
      selection.addRange(range);
      return document.execCommand('copy');
    }
  };

  const button = (label, action) => {
    const made = document.createElement('button');
    made.type = 'button';
    made.textContent = label;
    made.addEventListener('click', () => action(made));
    return made;
  };

  for (const command of document.querySelectorAll('.command')) {
    const code = command.querySelector('code');
    const made = button('Copy', async pressed => {
      const done = await copy(code.textContent, code);
      announce(done ? 'The command is on the clipboard' : 'Copying was refused; the command is selected');
      pressed.textContent = done ? 'Copied' : 'Selected';
      setTimeout(() => { pressed.textContent = 'Copy'; }, 2000);
    });
    made.setAttribute('aria-label', 'Copy the command: ' + code.textContent.slice(0, 60));
    command.classList.add('copyable');
    command.append(made);
  }

  const raw = document.querySelector('.raw pre');
  if (raw) {
    raw.before(button('Save as a file', () => {
      const link = document.createElement('a');
      link.href = URL.createObjectURL(new Blob([raw.textContent], {type: 'application/json'}));
      link.download = 'vnetprobe-report.json';
      link.click();
      URL.revokeObjectURL(link.href);
    }));
  }

  const checks = [...document.querySelectorAll('.check')];
  const tools = document.querySelector('.tools');
  if (tools && checks.length > 0) {
    const search = tools.querySelector('input[type=search]');
    const open = tools.querySelector('input[type=checkbox]');
    const words = checks.map(check => check.querySelector('.row').textContent.toLowerCase());
    const filter = () => {
      const wanted = search.value.trim().toLowerCase();
      let shown = 0;
      checks.forEach((check, i) => {
        check.hidden = !words[i].includes(wanted) || (open.checked && check.classList.contains('passed'));
        shown += check.hidden ? 0 : 1;
      });
      announce(shown + ' of ' + checks.length + ' checks shown');
    };
    search.addEventListener('input', filter);
    open.addEventListener('change', filter);
    tools.hidden = false;
  }

  // A link to a check opens it.
  const reveal = () => {
    const target = location.hash.length > 1 && document.getElementById(location.hash.slice(1));
    if (target instanceof HTMLDetailsElement) {
      target.hidden = false;
      target.open = true;
      target.scrollIntoView();
      target.querySelector('summary').focus({preventScroll: true});
    }
  };
  addEventListener('hashchange', reveal);
  reveal();
})();
