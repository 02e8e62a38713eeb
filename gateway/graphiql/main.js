// The entry of the bundle that the gateway serves: workers first, as Monaco asks for them while it loads.
import './workers.js';
import 'graphiql/style.css';
import './style.css';
import { start } from './page.js';
import { planFooter } from './plan.js';

start(planFooter);
