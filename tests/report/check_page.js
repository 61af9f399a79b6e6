// SPDX-License-Identifier: Apache-2.0
// What a reader needs of the report, checked in the page as a browser lays it out. The page is in a
// frame, which can be narrower than a window; what it breaches goes to the page around it, whose
// dump tests/report/run reads.
'use strict';

const breaches = [];
const breach = (text) => breaches.push(text);
const all = (selector, root = document) => [...root.querySelectorAll(selector)];
const named = (element) => (element.textContent || element.tagName).trim().slice(0, 50);

// WCAG 2.1, "relative luminance" and "contrast ratio".
const channels = (colour) => {
  const numbers = (colour.match(/[\d.]+/g) || ['0', '0', '0', '0']).map(Number);
  return {rgb: numbers.slice(0, 3), alpha: numbers.length > 3 ? numbers[3] : 1};
};
const luminance = (rgb) => {
  const [r, g, b] = rgb.map((c) => c / 255)
      .map((c) => (c <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4));
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
};
const over = (top, alpha, bottom) => top.map((c, i) => alpha * c + (1 - alpha) * bottom[i]);
const background = (element) => {
  if (!element) return [255, 255, 255];
  const {rgb, alpha} = channels(getComputedStyle(element).backgroundColor);
  return alpha >= 1 ? rgb : over(rgb, alpha, background(element.parentElement));
};
const contrast = (element) => {
  const style = getComputedStyle(element);
  const below = background(element);
  const {rgb, alpha} = channels(element.closest('svg') ? style.fill : style.color);
  const [a, b] = [luminance(over(rgb, alpha, below)), luminance(below)];
  return (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
};

const checkTexts = () => {
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  const seen = new Set();
  while (walker.nextNode()) {
    const element = walker.currentNode.parentElement;
    if (!walker.currentNode.data.trim() || seen.has(element)) continue;
    seen.add(element);
    if (element.closest('title, desc, script, style') || !element.getClientRects().length) continue;
    const ratio = contrast(element);
    if (ratio < 4.5) breach(`contrast ${ratio.toFixed(2)} of "${named(element)}"`);
  }
};

const checkLayout = () => {
  const page = document.documentElement;
  if (page.scrollWidth > page.clientWidth) {
    breach(`scrolls sideways: ${page.scrollWidth} wide in ${page.clientWidth}`);
  }
  for (const text of all('svg text')) {
    const box = text.getBoundingClientRect();
    if (box.width && (box.left < -1 || box.right > page.clientWidth + 1)) {
      breach(`text leaves the page: "${named(text)}"`);
    }
  }
  const names = all('svg text.label').map((text) => [text, text.getBoundingClientRect()]);
  names.forEach(([one, a], i) => names.slice(i + 1).forEach(([other, b]) => {
    const apart = a.right <= b.left + 1 || b.right <= a.left + 1 || a.bottom <= b.top + 3 ||
        b.bottom <= a.top + 3;
    if (a.width && b.width && !apart) breach(`names overlap: "${named(one)}", "${named(other)}"`);
  }));
};

const checkPictures = () => {
  const pictures = all('svg');
  const least = document.title.endsWith('diagnosis') ? 1 : 3;
  if (pictures.length < least) breach(`${pictures.length} pictures`);
  for (const svg of pictures) {
    const title = svg.querySelector('title');
    if (svg.getAttribute('role') !== 'img' || !title) breach('a picture has no role or title');
    const name = named(title || svg);
    const figure = svg.closest('figure');
    if (!figure || !figure.querySelector('table tbody tr')) {
      breach(`no table says what the picture shows: ${name}`);
    }
    const valued = (mark) => mark.querySelector('title') || mark.closest('g')?.querySelector('title');
    if (!all('circle, rect', svg).every(valued)) {
      breach(`a point shows no value: ${name}`);
    }
  }
};

const checkStructure = () => {
  let level = 0;
  for (const heading of all('h1, h2, h3, h4')) {
    const next = Number(heading.tagName[1]);
    if (next > level + 1) breach(`heading skips a level: ${named(heading)}`);
    level = next;
  }
  if (all('h1').length !== 1) breach(`${all('h1').length} first headings`);
  if (!document.documentElement.lang) breach('no language');
  const ids = all('[id]').map((element) => element.id);
  if (new Set(ids).size !== ids.length) breach('an id is used twice');
  for (const element of all('[aria-labelledby]')) {
    for (const id of element.getAttribute('aria-labelledby').split(' ')) {
      if (!document.getElementById(id)) breach(`aria-labelledby names nothing: ${id}`);
    }
  }
  for (const header of all('th')) {
    if (!header.scope) breach(`a header cell has no scope: ${named(header)}`);
  }
};

const checkKeyboard = () => {
  for (const element of all('summary, .scroll')) {
    if (!element.getClientRects().length) continue;
    element.focus();
    if (document.activeElement !== element) breach(`cannot be focused: ${named(element)}`);
  }
  for (const region of all('.scroll')) {
    if (!region.getAttribute('aria-label') && !region.getAttribute('aria-labelledby')) {
      breach(`a scrolling region has no name: ${named(region)}`);
    }
  }
  const focused = document.activeElement;
  if (focused) focused.blur();
};

const checkNetwork = () => {
  const loaded = performance.getEntriesByType('resource').map((entry) => entry.name);
  if (loaded.length) breach(`loads ${loaded.join(', ')}`);
  for (const element of all('[src], [href]')) {
    const target = element.getAttribute('src') || element.getAttribute('href');
    if (!target.startsWith('#')) breach(`refers to ${target}`);
  }
};

for (const details of all('details')) details.open = true;
for (const check of [checkTexts, checkLayout, checkPictures, checkStructure, checkKeyboard,
                     checkNetwork]) {
  check();
}
parent.postMessage(['checked', ...breaches].join('\n'), '*');
