import { mount } from 'svelte';
import App from './App.svelte';
import { readData } from './data';
import './page.css';

mount(App, { target: document.getElementById('app')!, props: { report: readData() } });
